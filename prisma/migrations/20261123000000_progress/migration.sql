-- Where an outcome stands in the order in which a job's device jobs ended: the version of the job that counts it. Versions
-- are given out under the lock on the job's row, so a reader who has seen one will never meet an outcome of an earlier
-- one. (A sequence of PostgreSQL's would not do: its numbers are not in the order of the commits.)
alter table device_job_outcome add column version integer not null default 0;
alter table device_job_outcome alter column version drop default;
-- Without the device: equal keys share one entry, so that the index costs a batch next to nothing.
create index device_job_outcome_version on device_job_outcome (job_key, version);
-- What failure groups are made of: few rows among many.
create index device_job_outcome_failed on device_job_outcome (job_key, error_code, response_status)
  where error_code is not null or response_status >= 400;

alter table job
  -- How many devices it may have at most, as it was expected when it was scheduled.
  add column max_devices integer check (max_devices >= 0),
  -- The job whose device jobs this one does again, and which of them. The key, for a name may be given again.
  add column retry_of bigint,
  add column retry_selection json,
  -- The key of the first job of all those retries; null for a job that is none.
  add column family_key bigint,
  add constraint job_retry check (
    (retry_of is null) = (family_key is null) and (retry_of is null) = (retry_selection is null)
  );
create index job_retry_of on job (retry_of) where retry_of is not null;
create index job_family on job (family_key) where family_key is not null;

-- What moved a job, and who: one row a transition, with the version the job had after it.
create table job_event (
  job_key bigint not null references job (key) on delete cascade,
  version integer not null,
  time timestamptz(3) not null,
  type text not null
    check (type in ('scheduled', 'queued', 'started', 'completed', 'failed', 'cancelled', 'ended')),
  status text not null,
  cause text not null check (cause in ('user', 'schedule', 'devices', 'deadline', 'hub')),
  actor text, -- the policy whose token was shown
  reason text,
  primary key (job_key, version)
);
