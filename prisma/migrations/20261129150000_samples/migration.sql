-- The counters of a job while it was open, taken by the scheduler. Those of its start and its end are in the job's row.
create table job_sample (
  job_key bigint not null references job (key) on delete cascade,
  second integer not null check (second > 0),
  time timestamptz(3) not null,
  pending_count integer not null,
  running_count integer not null,
  succeeded_count integer not null,
  refused_count integer not null,
  failed_count integer not null,
  cancelled_count integer not null,
  primary key (job_key, second)
);
comment on column job_sample.second is
  'Seconds from the start of the job, a multiple of the interval at this age of the job, so that no sample is taken twice.';
