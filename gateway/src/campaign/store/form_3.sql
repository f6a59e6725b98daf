-- What form 3 has and form 2 had not: how many changes the book has seen that an old copy must not take back, by which one is told.

CREATE TABLE changes (
  number INTEGER NOT NULL CHECK (number >= 0) -- one row
) STRICT;
INSERT INTO changes VALUES (0);
CREATE TRIGGER counter_reserved AFTER UPDATE OF counter ON card BEGIN UPDATE changes SET number = number + 1; END;
CREATE TRIGGER card_moved AFTER UPDATE OF phone ON card BEGIN UPDATE changes SET number = number + 1; END;
CREATE TRIGGER task_taken AFTER INSERT ON task BEGIN UPDATE changes SET number = number + 1; END;
CREATE TRIGGER task_ended AFTER UPDATE OF ending ON task BEGIN UPDATE changes SET number = number + 1; END;
CREATE TRIGGER password_set AFTER INSERT ON service_password BEGIN UPDATE changes SET number = number + 1; END;
