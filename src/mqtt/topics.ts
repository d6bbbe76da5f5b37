/**
 * The topic grammar of the device door, as Azure IoT Hub's MQTT contract has it: what a device may publish, what it
 * receives, what it may subscribe to, and how it names itself when it connects. Ids and request ids are taken and
 * printed as they stand, without percent-decoding, so that what comes in goes out byte for byte. Every parser looks at
 * a character a bounded number of times and throws at nothing: a topic is written by a stranger, 20,000 times a second.
 */

/** What a device published. A topic that is none of these is not ours, and the contract closes its connection. */
export type PublishTopic =
  | { readonly kind: 'twinGet'; readonly rid: string }
  | { readonly kind: 'reportedPatch'; readonly rid: string }
  | { readonly kind: 'methodResponse'; readonly status: number; readonly rid: string }
  | { readonly kind: 'telemetry'; readonly deviceId: string; readonly propertyBag: string }

/** What the hub published to a device: the other direction of the same grammar. */
export type DeliveryTopic =
  | { readonly kind: 'methodRequest'; readonly name: string; readonly rid: string }
  | { readonly kind: 'twinResponse'; readonly status: number; readonly rid: string; readonly version?: number }
  | { readonly kind: 'desiredPatch'; readonly version: number }

/** A filter a device may subscribe to. */
export type SubscriptionFilter =
  | { readonly kind: 'methods' }
  | { readonly kind: 'twinResponses' }
  | { readonly kind: 'desiredPatches' }
  | { readonly kind: 'deviceBound'; readonly deviceId: string }

/** The identity in a CONNECT packet's user name, and the model (a DTMI) of which the device says that it is. */
export type UserName = {
  readonly hubName: string
  readonly deviceId: string
  readonly apiVersion?: string
  readonly modelId?: string
}

/** The subscriptions that carry no device id: every device writes the same text. */
export const methodsFilter = '$iothub/methods/POST/#'
export const twinResponsesFilter = '$iothub/twin/res/#'
export const desiredPatchesFilter = '$iothub/twin/PATCH/properties/desired/#'

/**
 * The longest request id we take from a device, in characters. The id returns in the answer's topic; one of nearly
 * 64 KiB would make that topic longer than the two bytes of its length can say [MQTT-1.5.3].
 */
export const maxRequestIdLength = 1024

/**
 * No text of a packet may hold U+0000 or bytes that are not UTF-8 [MQTT-1.5.3-1, MQTT-1.5.3-2]. Of the latter the parser
 * leaves U+FFFD, which no client means.
 */
export const isWellFormed = (text: string): boolean => !text.includes('\0') && !text.includes('\uFFFD')

const methodRequestPrefix = '$iothub/methods/POST/'
const methodResponsePrefix = '$iothub/methods/res/'
const twinGetPrefix = '$iothub/twin/GET/?'
const twinResponsePrefix = '$iothub/twin/res/'
const reportedPatchPrefix = '$iothub/twin/PATCH/properties/reported/?'
const desiredPatchPrefix = '$iothub/twin/PATCH/properties/desired/?'
const devicesPrefix = 'devices/'
const telemetrySuffix = '/messages/events'
const deviceBoundSuffix = '/messages/devicebound/#'

/** Reads a topic a device published to; undefined when it is not one of ours. */
export const parsePublish = (topic: string): PublishTopic | undefined => {
  if (!isWellFormed(topic)) return undefined
  // Method answers first: with bulk calls they are nearly all the traffic.
  if (topic.startsWith(methodResponsePrefix)) {
    const query = topic.indexOf('/?', methodResponsePrefix.length)
    if (query < 0) return undefined
    const status = parseStatus(topic, methodResponsePrefix.length, query)
    const rid = requestId(topic, query + 2)
    return status === undefined || rid === undefined ? undefined : { kind: 'methodResponse', status, rid }
  }
  if (topic.startsWith(twinGetPrefix)) {
    const rid = requestId(topic, twinGetPrefix.length)
    return rid === undefined ? undefined : { kind: 'twinGet', rid }
  }
  if (topic.startsWith(reportedPatchPrefix)) {
    const rid = requestId(topic, reportedPatchPrefix.length)
    return rid === undefined ? undefined : { kind: 'reportedPatch', rid }
  }
  return topic.startsWith(devicesPrefix) ? parseTelemetry(topic) : undefined
}

/** Reads a topic the hub published to a device, as a device must; undefined when it is none of these. */
export const parseDelivery = (topic: string): DeliveryTopic | undefined => {
  if (topic.startsWith(methodRequestPrefix)) {
    const query = topic.indexOf('/?', methodRequestPrefix.length)
    const rid = query <= methodRequestPrefix.length ? undefined : requestId(topic, query + 2)
    return rid === undefined
      ? undefined
      : { kind: 'methodRequest', name: topic.slice(methodRequestPrefix.length, query), rid }
  }
  if (topic.startsWith(twinResponsePrefix)) {
    const query = topic.indexOf('/?', twinResponsePrefix.length)
    if (query < 0) return undefined
    const status = parseStatus(topic, twinResponsePrefix.length, query)
    const rid = requestId(topic, query + 2)
    if (status === undefined || rid === undefined) return undefined
    const version = versionParameter(topic, query + 2)
    return version === undefined
      ? { kind: 'twinResponse', status, rid }
      : { kind: 'twinResponse', status, rid, version }
  }
  if (topic.startsWith(desiredPatchPrefix)) {
    const version = versionParameter(topic, desiredPatchPrefix.length)
    return version === undefined ? undefined : { kind: 'desiredPatch', version }
  }
  return undefined
}

/**
 * The topic of a method call. The name stands as it is, because the device SDK does not decode it; the SDK does decode
 * the request id and echoes the decoded text, so ours must hold no `%`, `+`, `&` or `#`.
 */
export const methodRequestTopic = (name: string, rid: string): string => `${methodRequestPrefix}${name}/?$rid=${rid}`

/** The topic of the answer to a twin read (no version) or to a reported patch (the new reported version). */
export const twinResponseTopic = (status: number, rid: string, version?: number): string =>
  `${twinResponsePrefix}${status}/?$rid=${rid}${version === undefined ? '' : `&$version=${version}`}`

/** The topic that tells a device of a change of its desired properties, with their version after it. */
export const desiredPatchTopic = (version: number): string => `${desiredPatchPrefix}$version=${version}`

/** The topic on which a device answers a method call. */
export const methodResponseTopic = (status: number, rid: string): string =>
  `${methodResponsePrefix}${status}/?$rid=${rid}`

/** The topic on which a device asks for its twin. */
export const twinGetTopic = (rid: string): string => `${twinGetPrefix}$rid=${rid}`

/** The topic on which a device reports properties. */
export const reportedPatchTopic = (rid: string): string => `${reportedPatchPrefix}$rid=${rid}`

/**
 * Reads a filter a device asks for; undefined for every filter but the four that are allowed. That of cloud-to-device
 * messages, `devices/{deviceId}/messages/devicebound/#`, names a device: whoever grants it sees that it is the right one.
 */
export const parseSubscription = (filter: string): SubscriptionFilter | undefined => {
  switch (filter) {
    case methodsFilter:
      return { kind: 'methods' }
    case twinResponsesFilter:
      return { kind: 'twinResponses' }
    case desiredPatchesFilter:
      return { kind: 'desiredPatches' }
    default:
      return parseDeviceBound(filter)
  }
}

/**
 * Reads the user name of a CONNECT packet: `{hub}/{deviceId}/?api-version=…&…`, and the older forms
 * `{hub}/{deviceId}/api-version=…`, `{hub}/{deviceId}/` and `{hub}/{deviceId}`. Undefined when hub or device is missing
 * or a further segment names a module. A model id that is none is passed over: it is no reason to keep a device out.
 */
export const parseUserName = (text: string): UserName | undefined => {
  const query = text.indexOf('/?')
  const identity = query < 0 ? text : text.slice(0, query)
  const hubEnd = identity.indexOf('/')
  if (hubEnd <= 0) return undefined
  const hubName = identity.slice(0, hubEnd)
  const slash = identity.indexOf('/', hubEnd + 1)
  const deviceId = identity.slice(hubEnd + 1, slash < 0 ? undefined : slash)
  if (deviceId === '') return undefined
  const rest = slash < 0 ? '' : identity.slice(slash + 1)
  if (rest !== '' && (query >= 0 || !rest.startsWith('api-version='))) return undefined
  // The oldest clients set a slash, not an ampersand, between the members of the query.
  const apiVersion =
    query < 0 ? parameter(rest, 0, 'api-version=')?.split('/', 1)[0] : parameter(text, query + 2, 'api-version=')
  const modelId = query < 0 ? undefined : parseModelId(parameter(text, query + 2, 'model-id='))
  return { hubName, deviceId, ...(apiVersion && { apiVersion }), ...(modelId && { modelId }) }
}

/** Characters of a model id (DTDL, version 2). */
const maxModelIdLength = 2048
/** A digital twin model identifier: segments, and perhaps a version. */
const modelIdKey = /^dtmi:[a-z](?:\w*[a-z\d])?(?::[a-z](?:\w*[a-z\d])?)*(?:;[1-9]\d{0,8}(?:\.[1-9]\d{0,5})?)?$/i

/** Some SDKs encode it, others do not. */
const parseModelId = (encoded: string | undefined): string | undefined => {
  if (encoded === undefined || encoded.length > 3 * maxModelIdLength) return undefined
  try {
    const modelId = decodeURIComponent(encoded)
    return modelId.length <= maxModelIdLength && modelIdKey.test(modelId) ? modelId : undefined
  } catch {
    return undefined
  }
}

const parseDeviceBound = (filter: string): SubscriptionFilter | undefined => {
  if (!filter.startsWith(devicesPrefix) || !filter.endsWith(deviceBoundSuffix)) return undefined
  const deviceId = filter.slice(devicesPrefix.length, -deviceBoundSuffix.length)
  return deviceId === '' || /[/+]/.test(deviceId) ? undefined : { kind: 'deviceBound', deviceId }
}

const parseTelemetry = (topic: string): PublishTopic | undefined => {
  const end = topic.indexOf('/', devicesPrefix.length)
  if (end <= devicesPrefix.length || !topic.startsWith(telemetrySuffix, end)) return undefined
  const deviceId = topic.slice(devicesPrefix.length, end)
  const bag = end + telemetrySuffix.length
  if (bag === topic.length) return { kind: 'telemetry', deviceId, propertyBag: '' }
  return topic[bag] === '/' ? { kind: 'telemetry', deviceId, propertyBag: topic.slice(bag + 1) } : undefined
}

const requestId = (topic: string, from: number): string | undefined => {
  const rid = parameter(topic, from, '$rid=')
  return rid === undefined || rid === '' || rid.length > maxRequestIdLength ? undefined : rid
}

const versionParameter = (topic: string, from: number): number | undefined => {
  const text = parameter(topic, from, '$version=')
  return text === undefined ? undefined : parseInteger(text, 0, text.length)
}

/** The raw value of the first member `name` (with its `=`) of the query that starts at `from`. */
const parameter = (text: string, from: number, name: string): string | undefined => {
  let start = from
  while (!text.startsWith(name, start)) {
    const next = text.indexOf('&', start)
    if (next < 0) return undefined
    start = next + 1
  }
  const end = text.indexOf('&', start)
  return text.slice(start + name.length, end < 0 ? undefined : end)
}

/** A method's status: any integer of 32 bits, which is what it is in IoT Hub's own types. */
const parseStatus = (text: string, from: number, to: number): number | undefined => {
  const status = parseInteger(text, from, to)
  return status === undefined || status !== (status | 0) ? undefined : status
}

/** A decimal integer that a number holds exactly: at most 15 digits, perhaps a minus, nothing else. */
const parseInteger = (text: string, from: number, to: number): number | undefined => {
  const negative = text.charCodeAt(from) === 0x2d
  const first = negative ? from + 1 : from
  if (first >= to || to - first > 15) return undefined
  let value = 0
  for (let at = first; at < to; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (!(digit >= 0 && digit <= 9)) return undefined
    value = value * 10 + digit
  }
  return negative ? 0 - value : value
}
