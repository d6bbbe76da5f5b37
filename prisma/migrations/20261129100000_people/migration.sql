alter table job add column created_by text, add column scope text[];
comment on column job.created_by is 'The name of the person or policy that scheduled the job. Null for jobs from before this column.';
comment on column job.scope is 'The conditions, one of which a device must meet: those of the roles of the person that scheduled the job. Null for every device.';
alter table job_event add column actor_id text;
comment on column job_event.actor_id is 'Identifies the actor, whose name may not be unique. Null for events from before this column.';
