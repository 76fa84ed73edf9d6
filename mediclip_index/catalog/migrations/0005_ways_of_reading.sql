-- How a source is looked through and read, beyond labels, frames and pdf: a JSON object that names
-- what is not at its default.
ALTER TABLE sources ADD COLUMN options VARCHAR DEFAULT '{}';
