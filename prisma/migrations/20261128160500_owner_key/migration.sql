alter table hub add column owner_key_given boolean not null default false;
comment on column hub.owner_key_given is 'Whether an instance was ever started with a key for iothubowner. Since then every request needs a token.';
