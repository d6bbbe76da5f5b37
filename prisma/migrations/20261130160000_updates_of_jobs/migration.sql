-- Changes of jobs that have been scheduled.
alter table job_event drop constraint job_event_type_check;
alter table job_event add constraint job_event_type_check check (
  type in ('scheduled', 'queued', 'started', 'paused', 'resumed', 'updated', 'completed', 'failed', 'cancelled', 'ended')
);
alter table job_event add column changed text[];
comment on column job_event.changed is 'The members of the job that a client has changed. Null for other events.';
