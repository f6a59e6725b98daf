-- What form 3 has and form 2 had not: how many counters the book has reserved in all, by which an old copy of it is told.

CREATE TABLE reserved (
  number INTEGER NOT NULL CHECK (number >= 0) -- one row
) STRICT;
INSERT INTO reserved VALUES (0);
