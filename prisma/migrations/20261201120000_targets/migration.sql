-- When a job selects its devices: at its start, or at its creation.
alter table job
  add column targets text constraint job_targets check (targets = 'atCreation'),
  add column selected_time timestamptz(3);
comment on column job.targets is 'When the devices are selected. Null for the start of the job.';
comment on column job.selected_time is
  'When the devices of a job that selects them at its creation were selected. Null until then, and for other jobs.';
-- The few jobs whose devices have to be selected before they start.
create index job_unselected on job (key) where targets = 'atCreation' and selected_time is null and end_time is null;

alter table job_template add column targets text;
comment on column job_template.targets is 'When the jobs select their devices. Null for their start.';

alter table job_event drop constraint job_event_type_check;
alter table job_event add constraint job_event_type_check check (
  type in (
    'scheduled', 'approved', 'rejected', 'devicesSelected', 'queued', 'started', 'waveOpened', 'gatePassed', 'paused', 'resumed',
    'updated', 'devicesCancelled', 'completed', 'failed', 'cancelled', 'ended'
  )
);
alter table job_event add column device_count integer;
comment on column job_event.device_count is 'The number of devices that were selected. Null for other events.';
