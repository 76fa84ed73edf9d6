-- How alike an encoder finds pictures that have nothing to do with each other: median and spread of
-- their cosines. Settings whose unit is "spreads" count by them; an encoder of an earlier version
-- has no row until new settings need one.
CREATE TABLE unrelated (
    encoder INTEGER NOT NULL, median DOUBLE NOT NULL, spread DOUBLE NOT NULL, tx BIGINT NOT NULL
);
