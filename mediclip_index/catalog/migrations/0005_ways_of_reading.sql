-- How a source is looked through and read, beyond labels, frames and pdf: a JSON object that names
-- what is not at its default.
ALTER TABLE sources ADD COLUMN options VARCHAR DEFAULT '{}';

-- The decode recipe that an encoder's pictures were read by; before this there was one.
ALTER TABLE encoders ADD COLUMN recipe VARCHAR
    DEFAULT 'decode-1: upright, over white, grey 0.5-99.5 %, JPEG draft 2x, box above 4x';
