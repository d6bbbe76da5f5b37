create table audit_entry (
  key bigint primary key generated always as identity,
  attempt uuid not null,
  time timestamptz(3) not null,
  actor text not null,
  actor_id text not null,
  actor_kind text not null check (actor_kind in ('policy', 'person', 'anonymous', 'hub')),
  issuer text,
  subject text not null,
  operation text not null,
  target text,
  address text,
  outcome text not null check (outcome in ('succeeded', 'refused', 'denied', 'failed')),
  code text,
  detail jsonb
);
comment on table audit_entry is 'What was changed, or which keys were read, and by whom. Written in the transaction of the change.';
comment on column audit_entry.attempt is 'Identifies the operation for the hub, which does not know the key.';
comment on column audit_entry.actor is 'The name of the person or policy, which may not be unique.';
comment on column audit_entry.actor_id is 'Identifies the actor.';

create index audit_time on audit_entry (time, key);
create index audit_actor on audit_entry (actor, time, key);
create index audit_target on audit_entry (target, time, key) where target is not null;
