-- Reports that were asked for once and are compared later, as canonical JSON.
CREATE TABLE evaluations (
    number INTEGER PRIMARY KEY, kind VARCHAR NOT NULL, body VARCHAR NOT NULL, tx BIGINT NOT NULL
);
