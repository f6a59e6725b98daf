-- The gateway's book of cards and what is under way to each. Bodies of packets are enciphered; no key is here.
-- Times: milliseconds since 1970-01-01 UTC. Money: fen.

CREATE TABLE card (
  id       INTEGER PRIMARY KEY,
  iccid    TEXT    NOT NULL UNIQUE, -- 集成电路卡识别码, 19 or 20 digits
  phone    TEXT    NOT NULL UNIQUE, -- as it is dialled; out of service: none ICCID
  key_set  INTEGER NOT NULL CHECK (key_set BETWEEN 1 AND 15),
  cipher   TEXT    NOT NULL CHECK (cipher IN ('aes', '3des')),
  counter  INTEGER NOT NULL CHECK (counter >= 0), -- the highest that was ever reserved
  request_set INTEGER,               -- the key set of the card's own requests; NULL: none are taken
  requests TEXT                      -- JSON: the highest request that was taken
) STRICT;

-- 服务密码: of an application, by which its holder deletes it from the phone's menu.
CREATE TABLE service_password (
  card   INTEGER NOT NULL REFERENCES card (id),
  serial TEXT    NOT NULL,
  hash   TEXT    NOT NULL,           -- Argon2id, a PHC string: as good as the password, which has few digits
  tries  TEXT    NOT NULL,           -- JSON
  PRIMARY KEY (card, serial)
) STRICT;

CREATE TABLE campaign (
  id       INTEGER PRIMARY KEY,
  name     TEXT    NOT NULL UNIQUE,
  settings TEXT    NOT NULL,         -- JSON
  paused   INTEGER NOT NULL CHECK (paused IN (0, 1))
) STRICT;

CREATE TABLE task (
  id           INTEGER PRIMARY KEY,
  campaign     INTEGER NOT NULL REFERENCES campaign (id),
  card         INTEGER NOT NULL REFERENCES card (id),
  order_number TEXT    NOT NULL,      -- the caller's, once in a campaign
  stage        INTEGER NOT NULL,      -- 0 ready, 1 out, 2 asking, 3 ended
  begun        INTEGER NOT NULL DEFAULT 0 CHECK (begun IN (0, 1)),
  held         INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)), -- another task of its card is begun
  due_at       INTEGER NOT NULL,      -- when something is to be done, if nothing comes before
  flow         TEXT    NOT NULL,      -- JSON: the state that waits
  counter      INTEGER,               -- of the packet that is out
  packet       BLOB,                  -- its bytes, which are sent again just so
  sends        INTEGER NOT NULL DEFAULT 0, -- how often they went out
  misses       INTEGER NOT NULL DEFAULT 0, -- packets in a row that nothing came back of
  packets      INTEGER NOT NULL DEFAULT 0, -- packets made for it in all
  proof        BLOB,                  -- stage 2: what came back and could not be judged yet
  hint         TEXT,                  -- the last answer that nobody could believe
  ending       INTEGER,               -- stage 3: 0 committed, 1 not committed, 2 unknown
  amount_fen   INTEGER,               -- stage 3: what the card got, or is to be paid back
  outcome      TEXT,                  -- stage 3: JSON
  UNIQUE (campaign, order_number)
) STRICT;

CREATE INDEX task_due ON task (campaign, held, due_at) WHERE stage < 3;
CREATE INDEX task_of_card ON task (card);
-- One flow at a time to a card: another's packet in between would make a proof say nothing.
CREATE UNIQUE INDEX task_under_way ON task (card) WHERE begun = 1 AND stage < 3;
