-- A file holds the vectors written after since_tx and up to through_tx; one that begins at 0 holds
-- all, another only what came after such a file. recall: measured when it was made; NULL: exact.
ALTER TABLE neighbour_files ADD COLUMN since_tx BIGINT DEFAULT 0;
ALTER TABLE neighbour_files ADD COLUMN recall DOUBLE;

-- The kind of file asked for (auto, exact, compressed): the latest row.
CREATE TABLE index_types (tx BIGINT NOT NULL, kind VARCHAR NOT NULL);
