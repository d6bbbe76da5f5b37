create table device_group (
  name text collate "C" primary key,
  query_condition text not null,
  description text,
  etag_version integer not null,
  created_time timestamptz(3) not null,
  updated_time timestamptz(3) not null,
  updated_by text not null
);
comment on table device_group is 'A condition with a name. group(name) in a condition over GraphQL stands for it.';
