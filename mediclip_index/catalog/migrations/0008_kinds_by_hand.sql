-- What people say that a picture is within its class (a group of the prompt set: chest_xray, …).
-- As with the others, NULL: not touched by this row; '': taken away.
ALTER TABLE labels ADD COLUMN kind VARCHAR;

CREATE OR REPLACE MACRO labels_at(t) AS TABLE
    SELECT image,
        nullif(arg_max(label, tx) FILTER (WHERE label IS NOT NULL), '') AS label,
        nullif(arg_max(split, tx) FILTER (WHERE split IS NOT NULL), '') AS split,
        nullif(arg_max(subject, tx) FILTER (WHERE subject IS NOT NULL), '') AS subject,
        nullif(arg_max(kind, tx) FILTER (WHERE kind IS NOT NULL), '') AS kind
    FROM labels WHERE tx <= t GROUP BY image;
