-- What a device subscribed to with CleanSession 0 (MQTT 3.1.1, 3.1.2.4): it holds again when the device comes back, also
-- after the hub was restarted. Azure's device SDKs rely on that and do not subscribe again when they renew their token.
create table mqtt_session (
  device_id text collate "C" primary key references device (id) on delete cascade,
  subscriptions jsonb not null check (jsonb_typeof(subscriptions) = 'object'), -- filter: QoS granted
  updated_time timestamptz(3) not null
);
