create table job_schedule (
  id text collate "C" primary key,
  template_id text collate "C" not null references job_template (id),
  cron text not null,
  time_zone text not null,
  end_time timestamptz(3),
  on_missed text not null check (on_missed in ('runOnce', 'skip')),
  on_overlap text not null check (on_overlap in ('parallel', 'skip')),
  description text,
  status text not null check (status in ('active', 'paused', 'ended')),
  status_reason text,
  -- Null unless it is active.
  next_time timestamptz(3) check ((next_time is not null) = (status = 'active')),
  author jsonb not null,
  scope text[],
  created_time timestamptz(3) not null
);
comment on table job_schedule is 'Schedules a job of a template at recurring times.';
comment on column job_schedule.next_time is 'The next planned time. It moves in the transaction that adds the job.';
comment on column job_schedule.author is 'Whose rights the jobs need at their times: who created the schedule or resumed it last.';
comment on column job_schedule.scope is 'The scope of the author then, which the jobs get. Null: every device.';
create index job_schedule_next on job_schedule (next_time) where next_time is not null;
create index job_schedule_template on job_schedule (template_id);

create table job_schedule_run (
  schedule_id text collate "C" not null references job_schedule (id) on delete cascade,
  time timestamptz(3) not null,
  outcome text not null check (outcome in ('scheduled', 'missed', 'overlapped', 'refused')),
  -- Without a reference: the job may be deleted before the run.
  job_id text,
  reason text,
  primary key (schedule_id, time)
);
comment on table job_schedule_run is 'What a schedule did at a planned time. The newest ones of each schedule are kept.';
