-- What people call a job, and the labels by which they find it.
alter table job
  add column name text,
  add column description text,
  add column labels jsonb;
comment on column job.labels is 'Names and values, all of them text. Null without labels.';

-- Jobs without labels take no room in it.
create index job_labels on job using gin (labels) where labels is not null;
