-- What people took out, latest row of each image: 'removed' (it is not there, whatever lies on
-- disk), 'restored', or 'purged' (a tombstone: its rows are erased, its id is never given again).
CREATE TABLE removals (tx BIGINT NOT NULL, image BIGINT NOT NULL, what VARCHAR NOT NULL);

-- Verdicts whose body was erased with an image; one that is missing without a row here was
-- tampered with.
CREATE TABLE erased_bodies (tx BIGINT NOT NULL, verdict VARCHAR NOT NULL);

CREATE MACRO removed_at(t) AS TABLE
    SELECT image FROM removals WHERE tx <= t GROUP BY image HAVING arg_max(what, tx) = 'removed';

-- The images that can be found on disk and were not taken out, each under the path that was seen
-- first.
CREATE OR REPLACE MACRO images_at(t) AS TABLE
    SELECT images.*, here.path, here.paths
    FROM images JOIN (
        SELECT sha256, arg_min(path, (since_tx, path)) AS path, count(*) AS paths
        FROM files_at(t) WHERE sha256 IS NOT NULL GROUP BY sha256
    ) AS here USING (sha256)
    WHERE images.tx <= t AND images.id NOT IN (SELECT image FROM removed_at(t));
