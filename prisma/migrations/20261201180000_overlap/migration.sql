-- What a job does at its start while other jobs have some of its devices, and the job that it waits for.
alter table job
  add column on_overlap text constraint job_on_overlap check (on_overlap in ('queue', 'refuse')),
  add column waits_for bigint;
comment on column job.on_overlap is
  'What the job does when started jobs have some of its devices: it waits for them or fails. Null for neither.';
comment on column job.waits_for is
  'The key of the job that had some of its devices when it should start. Null before that, and from the start on.';

comment on column job.looked_time is
  'When all devices were last looked at for those that join a continuous job, or when a job last found that it has to wait for another one. Null for at once, and for other jobs.';

alter table job_template add column on_overlap text;
comment on column job_template.on_overlap is 'What the jobs do when others have some of their devices. Null for nothing.';

alter table job_schedule drop constraint job_schedule_on_overlap_check;
alter table job_schedule add constraint job_schedule_on_overlap_check check (
  on_overlap in ('parallel', 'skip', 'queue', 'refuse')
);

alter table job_event drop constraint job_event_type_check;
alter table job_event add constraint job_event_type_check check (
  type in (
    'scheduled', 'approved', 'rejected', 'devicesSelected', 'queued', 'waiting', 'started', 'devicesJoined', 'waveOpened',
    'gatePassed', 'paused', 'resumed', 'updated', 'devicesCancelled', 'completed', 'failed', 'cancelled', 'ended'
  )
);
