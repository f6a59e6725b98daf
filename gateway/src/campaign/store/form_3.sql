-- What form 3 has and form 2 had not: how often the book was written in a way that an old copy must not take back, by which one is told.

CREATE TABLE reserved (
  number INTEGER NOT NULL CHECK (number >= 0) -- one row; a counter that is reserved is counted where that is done
) STRICT;
INSERT INTO reserved VALUES (0);
CREATE TRIGGER task_taken AFTER INSERT ON task BEGIN UPDATE reserved SET number = number + 1; END;
CREATE TRIGGER task_ended AFTER UPDATE OF ending ON task BEGIN UPDATE reserved SET number = number + 1; END;
CREATE TRIGGER card_moved AFTER UPDATE OF phone ON card BEGIN UPDATE reserved SET number = number + 1; END;
CREATE TRIGGER password_set AFTER INSERT ON service_password BEGIN UPDATE reserved SET number = number + 1; END;
