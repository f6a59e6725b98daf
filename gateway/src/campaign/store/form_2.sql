-- What form 2 has and form 1 had not: campaigns that issue.

ALTER TABLE task ADD COLUMN waits TEXT; -- for whom it waits, who has to say or make something; NULL: for nobody

-- Serials of applications that are issued, or may have been: each is ordered once.
CREATE TABLE application (
  enterprise TEXT    NOT NULL,
  serial     TEXT    NOT NULL,
  task       INTEGER NOT NULL UNIQUE REFERENCES task (id),
  PRIMARY KEY (enterprise, serial)
) STRICT;
