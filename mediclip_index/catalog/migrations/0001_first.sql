-- Rules of this schema: rows are added, not overwritten; every row knows the transaction (tx) that
-- wrote it, so that the state as of any tx can be told; times are microseconds since 1970, UTC.
-- The one update is closing an interval: files.until_tx.

CREATE TABLE identity (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

CREATE TABLE transactions (
    tx BIGINT PRIMARY KEY, time_us BIGINT NOT NULL, author VARCHAR NOT NULL, run VARCHAR NOT NULL,
    command VARCHAR NOT NULL
);

CREATE TABLE encoders (
    number INTEGER PRIMARY KEY, fingerprint VARCHAR NOT NULL, name VARCHAR NOT NULL,
    dim INTEGER NOT NULL, logit_scale DOUBLE NOT NULL, tx BIGINT NOT NULL
);

-- What is in force: the latest row of each name ('encoder', 'prompts', 'settings').
CREATE TABLE choices (tx BIGINT NOT NULL, name VARCHAR NOT NULL, number INTEGER NOT NULL);

CREATE TABLE sources (
    number INTEGER PRIMARY KEY, source VARCHAR NOT NULL, labels VARCHAR NOT NULL,
    frames VARCHAR NOT NULL, pdf VARCHAR NOT NULL, tx BIGINT NOT NULL
);

-- One row a content (and page, and item on the page): the same bytes under two names are one image.
CREATE TABLE images (
    id BIGINT PRIMARY KEY, sha256 VARCHAR NOT NULL, page INTEGER, item INTEGER,
    width INTEGER NOT NULL, height INTEGER NOT NULL, format VARCHAR NOT NULL,
    bytes BIGINT NOT NULL, technical VARCHAR NOT NULL, tx BIGINT NOT NULL
);

-- A path held this content from since_tx until until_tx (NULL: it still does).
CREATE TABLE files (
    path VARCHAR NOT NULL, source INTEGER NOT NULL, size BIGINT NOT NULL, mtime_ns BIGINT NOT NULL,
    sha256 VARCHAR, since_tx BIGINT NOT NULL, until_tx BIGINT
);

CREATE TABLE refusals (
    tx BIGINT NOT NULL, path VARCHAR NOT NULL, page INTEGER, reason VARCHAR NOT NULL,
    message VARCHAR NOT NULL
);

-- NULL: not touched by this row; '': taken away.
CREATE TABLE labels (
    tx BIGINT NOT NULL, image BIGINT NOT NULL, label VARCHAR, split VARCHAR, subject VARCHAR
);

CREATE TABLE attributes (
    tx BIGINT NOT NULL, image BIGINT NOT NULL, name VARCHAR NOT NULL, value VARCHAR NOT NULL
);

CREATE TABLE prompt_sets (
    number INTEGER PRIMARY KEY, name VARCHAR NOT NULL, sha256 VARCHAR NOT NULL,
    source VARCHAR NOT NULL, tx BIGINT NOT NULL
);

CREATE TABLE settings (
    number INTEGER PRIMARY KEY, body VARCHAR NOT NULL, tx BIGINT NOT NULL
);

CREATE TABLE neighbour_files (
    generation INTEGER PRIMARY KEY, file VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL, count BIGINT NOT NULL, through_tx BIGINT NOT NULL,
    sha256 VARCHAR NOT NULL, size BIGINT NOT NULL, mtime_ns BIGINT NOT NULL,
    inode BIGINT NOT NULL, tx BIGINT NOT NULL
);

-- body is the verdict as canonical JSON; hash = sha256(previous || body_sha256). A purged body is
-- NULL and its hash stays, so that the chain still holds.
CREATE TABLE verdicts (
    position BIGINT PRIMARY KEY, id VARCHAR NOT NULL, time_us BIGINT NOT NULL,
    author VARCHAR NOT NULL, run VARCHAR NOT NULL, path VARCHAR NOT NULL, label VARCHAR NOT NULL,
    unsure BOOLEAN NOT NULL, tx BIGINT NOT NULL, taken_tx BIGINT NOT NULL, body VARCHAR,
    body_sha256 VARCHAR NOT NULL, previous VARCHAR NOT NULL, hash VARCHAR NOT NULL
);

CREATE MACRO choice_at(wanted, t) AS (
    SELECT arg_max(number, tx) FROM choices WHERE name = wanted AND tx <= t
);

CREATE MACRO labels_at(t) AS TABLE
    SELECT image,
        nullif(arg_max(label, tx) FILTER (WHERE label IS NOT NULL), '') AS label,
        nullif(arg_max(split, tx) FILTER (WHERE split IS NOT NULL), '') AS split,
        nullif(arg_max(subject, tx) FILTER (WHERE subject IS NOT NULL), '') AS subject
    FROM labels WHERE tx <= t GROUP BY image;

CREATE MACRO attributes_at(t) AS TABLE
    SELECT image, name, nullif(arg_max(value, tx), '') AS value
    FROM attributes WHERE tx <= t GROUP BY image, name;

CREATE MACRO files_at(t) AS TABLE
    SELECT * FROM files WHERE since_tx <= t AND (until_tx IS NULL OR until_tx > t);

-- The images that can be found on disk, each under the path that was seen first.
CREATE MACRO images_at(t) AS TABLE
    SELECT images.*, here.path, here.paths
    FROM images JOIN (
        SELECT sha256, arg_min(path, (since_tx, path)) AS path, count(*) AS paths
        FROM files_at(t) WHERE sha256 IS NOT NULL GROUP BY sha256
    ) AS here USING (sha256)
    WHERE images.tx <= t;
