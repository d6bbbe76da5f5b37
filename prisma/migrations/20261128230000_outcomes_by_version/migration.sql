-- All versions are above 0, so the index has all rows. But PostgreSQL uses a partial index only for statements that repeat
-- its condition. Without it, a lookup of an outcome by job and device would cost as much by this index as by the primary key
-- as long as the table is small, and read all outcomes of the job for each device when the table has grown.
drop index device_job_outcome_version;
create index device_job_outcome_version on device_job_outcome (job_key, version) where version > 0;
