-- Whoever changed a template last decided what its jobs do, so this client cannot approve them.
alter table job_template add column updated_by_id text;
comment on column job_template.updated_by_id is
  'What identifies the actor that changed it last, as job_event.actor_id. Null when that was before this column existed.';

alter table job add column template_changed_by text;
comment on column job.template_changed_by is
  'What identifies the actor that had changed the template of the job last when the job was scheduled: it cannot approve the job. Null without a template.';
