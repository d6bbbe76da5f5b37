"""A device on paho-mqtt, as its users write one: what it hears it prints, a JSON line each.

usage: paho_device.py {tcp|websockets} PORT CA_FILE DEVICE_ID USER_NAME PASSWORD
"""
import json
import sys

import paho.mqtt.client as mqtt

transport, port, ca_file, device_id, user_name, password = sys.argv[1:]
PATCHES = 40


def say(**what):
    print(json.dumps(what), flush=True)


def on_connect(client, _userdata, _flags, code):
    say(connected=code)
    client.subscribe(
        [
            ("devices/%s/messages/devicebound/#" % device_id, 1),
            ("$iothub/methods/POST/#", 0),
            ("$iothub/twin/res/#", 0),
            ("$iothub/twin/PATCH/properties/desired/#", 0),
        ]
    )


def on_subscribe(_client, _userdata, _mid, granted):
    say(granted=granted)


def on_message(client, _userdata, message):
    topic = message.topic
    if topic.startswith("$iothub/methods/POST/"):
        name = topic.split("/")[3]
        request_id = topic.split("?$rid=")[1]
        client.publish("$iothub/methods/res/200/?$rid=" + request_id, message.payload)
        say(method=name, payload=json.loads(message.payload))
    elif topic.startswith("$iothub/twin/res/"):
        status = int(topic.split("/")[3])
        request_id = topic.split("?$rid=")[1].split("&")[0]
        say(status=status, request=request_id)
    else:
        say(topic=topic.split("/?")[0], payload=json.loads(message.payload))


client = mqtt.Client(client_id=device_id, clean_session=False, protocol=mqtt.MQTTv311, transport=transport)
client.username_pw_set(user_name, password)
client.tls_set(ca_file)
if transport == "websockets":
    client.ws_set_options(path="/$iothub/websocket")
client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_message = on_message
client.connect("localhost", int(port), keepalive=60)
client.loop_start()
for line in sys.stdin:
    if line.strip() == "report":
        for number in range(PATCHES):
            client.publish("$iothub/twin/PATCH/properties/reported/?$rid=%d" % number, '{"count": %d}' % number)
    elif line.strip() == "read":
        client.publish("$iothub/twin/GET/?$rid=twin", "")
client.disconnect()
client.loop_stop()
