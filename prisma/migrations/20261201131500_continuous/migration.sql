-- Continuous jobs: a device that starts to meet the condition joins while the job runs.
alter table job drop constraint job_targets;
alter table job
  add constraint job_targets check (targets in ('atCreation', 'continuous')),
  add column looked_time timestamptz(3);
comment on column job.looked_time is
  'When all devices were last looked at for those that join a continuous job. Null for at once, and for other jobs.';
-- The few jobs that devices may join.
create index job_continuous on job (key) where targets = 'continuous' and end_time is null;

alter table job_event drop constraint job_event_type_check;
alter table job_event add constraint job_event_type_check check (
  type in (
    'scheduled', 'approved', 'rejected', 'devicesSelected', 'queued', 'started', 'devicesJoined', 'waveOpened', 'gatePassed',
    'paused', 'resumed', 'updated', 'devicesCancelled', 'completed', 'failed', 'cancelled', 'ended'
  )
);
comment on column job_event.device_count is 'The number of devices that were selected, or that joined. Null for other events.';
