-- Each image in small, 48 x 48 grey bytes row by row: whether two show the same is told by it. An
-- image that an earlier version took in has none until its file is read again.
CREATE TABLE thumbnails (image BIGINT PRIMARY KEY, grey BLOB NOT NULL, tx BIGINT NOT NULL);
