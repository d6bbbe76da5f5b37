create table job_template (
  id text collate "C" primary key,
  type text not null check (type in ('scheduleDeviceMethod', 'scheduleUpdateTwin')),
  query_condition text not null,
  request json not null,
  max_execution_time_seconds integer not null,
  rollout jsonb,
  name text,
  description text,
  labels jsonb,
  groups text[] not null,
  etag_version integer not null,
  created_time timestamptz(3) not null,
  updated_time timestamptz(3) not null,
  updated_by text not null
);
comment on table job_template is 'What jobs that are scheduled from it have in common.';
comment on column job_template.request is 'The method call or the patch, as in a job.';
comment on column job_template.rollout is 'The rollout as a client gives it, which is checked again for each job.';
comment on column job_template.groups is 'The device groups that the condition names. They cannot be deleted.';
