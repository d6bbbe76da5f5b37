-- Approval of jobs: a job waits until somebody else than who scheduled it approves it.
alter table job drop constraint job_status_check;
alter table job add constraint job_status_check check (
  status in ('waitingForApproval', 'queued', 'scheduled', 'running', 'paused', 'completed', 'failed', 'cancelled')
);
alter table job_event drop constraint job_event_type_check;
alter table job_event add constraint job_event_type_check check (
  type in (
    'scheduled', 'approved', 'rejected', 'queued', 'started', 'paused', 'resumed', 'updated', 'completed', 'failed', 'cancelled',
    'ended'
  )
);
comment on column job.rollout is
  'How the job proceeds through its devices: its abort rules, and whether it has to be approved. Null for a job without.';
