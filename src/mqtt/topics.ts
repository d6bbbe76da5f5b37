/**
 * The topic grammar of Azure IoT Hub's MQTT contract: what a device may publish, what it receives, what it may
 * subscribe to, and how it identifies itself when it connects. Ids and request ids are read and printed literally,
 * without percent-decoding, so they return byte for byte. Every parser looks at a character a bounded number of times
 * and never throws: topics are untrusted input, 20,000 per second.
 */

/** What a device published. Any other topic closes the connection, as the contract says. */
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

/** A filter that a device may subscribe to. */
export type SubscriptionFilter =
  | { readonly kind: 'methods' }
  | { readonly kind: 'twinResponses' }
  | { readonly kind: 'desiredPatches' }
  | { readonly kind: 'deviceBound'; readonly deviceId: string }

/** The identity in a CONNECT packet's user name, and the model (a DTMI) that the device announces. */
export type UserName = {
  readonly hubName: string
  readonly deviceId: string
  readonly apiVersion?: string
  readonly modelId?: string
}

/** The filters without a device id: every device sends the same text. */
export const methodsFilter = '$iothub/methods/POST/#'
export const twinResponsesFilter = '$iothub/twin/res/#'
export const desiredPatchesFilter = '$iothub/twin/PATCH/properties/desired/#'

/**
 * Maximum length of a device's request id, in characters. The id returns in the answer's topic; nearly 64 KiB would
 * make that topic exceed its two-byte length [MQTT-1.5.3].
 */
export const maxRequestIdLength = 1024

/**
 * No text of a packet may contain U+0000 or bytes that are not UTF-8 [MQTT-1.5.3-1, MQTT-1.5.3-2]. The parser replaces
 * such bytes by U+FFFD, which no client intends.
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

/** Parses a topic that a device published to; undefined for an unknown one. */
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

/** Parses a topic that the hub published to a device, for devices; undefined for an unknown one. */
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
 * The topic of a method call. The name is not encoded, because the device SDK does not decode it. The SDK does decode
 * the request id and returns the decoded text, so ours must not contain `%`, `+`, `&` or `#`.
 */
export const methodRequestTopic = (name: string, rid: string): string => `${methodRequestPrefix}${name}/?$rid=${rid}`

/** The topic of the answer to a twin read (no version) or to a reported patch (the new reported version). */
export const twinResponseTopic = (status: number, rid: string, version?: number): string =>
  `${twinResponsePrefix}${status}/?$rid=${rid}${version === undefined ? '' : `&$version=${version}`}`

/** The topic that notifies a device of a change of its desired properties, with their new version. */
export const desiredPatchTopic = (version: number): string => `${desiredPatchPrefix}$version=${version}`

/** The topic on which a device answers a method call. */
export const methodResponseTopic = (status: number, rid: string): string =>
  `${methodResponsePrefix}${status}/?$rid=${rid}`

/** The topic on which a device requests its twin. */
export const twinGetTopic = (rid: string): string => `${twinGetPrefix}$rid=${rid}`

/** The topic on which a device reports properties. */
export const reportedPatchTopic = (rid: string): string => `${reportedPatchPrefix}$rid=${rid}`

/**
 * Parses a requested filter; undefined for all but the four allowed ones. The filter of cloud-to-device messages,
 * `devices/{deviceId}/messages/devicebound/#`, names a device, which the caller must check.
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
 * Parses the user name of a CONNECT packet: `{hub}/{deviceId}/?api-version=…&…`, and the older forms
 * `{hub}/{deviceId}/api-version=…`, `{hub}/{deviceId}/` and `{hub}/{deviceId}`. Undefined when hub or device is
 * missing, or when a further segment names a module. An invalid model id is ignored: it is no reason to refuse a
 * device.
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
  // The oldest clients put a slash, not an ampersand, between the members of the query.
  const apiVersion =
    query < 0 ? parameter(rest, 0, 'api-version=')?.split('/', 1)[0] : parameter(text, query + 2, 'api-version=')
  const modelId = query < 0 ? undefined : parseModelId(parameter(text, query + 2, 'model-id='))
  return { hubName, deviceId, ...(apiVersion && { apiVersion }), ...(modelId && { modelId }) }
}

/** Maximum length of a model id in characters (DTDL, version 2). */
const maxModelIdLength = 2048
/** A digital twin model identifier: segments, and optionally a version. */
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

/** A method's status: any 32-bit integer, as in IoT Hub's own types. */
const parseStatus = (text: string, from: number, to: number): number | undefined => {
  const status = parseInteger(text, from, to)
  return status === undefined || status !== (status | 0) ? undefined : status
}

/** A decimal integer that a number represents exactly: at most 15 digits, optionally a minus, nothing else. */
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
