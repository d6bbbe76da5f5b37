// Parts of IoT Hub that this hub does not have. Pure: values in, values out.

/** A path of IoT Hub, with everything below it, and the message for it. `{}` stands for one segment. */
type Absent = { readonly path: string; readonly says: string }

const notHere = (what: string): string => `This hub has no ${what}.`
const noMessages = notHere('cloud-to-device messages: call a method, or write desired properties')
const howToJob =
  'A job is created by PUT /jobs/v2/{jobId}, whatever it does. Its queryCondition says for which devices it is.'

const absent: readonly Absent[] = [
  { path: '/configurations', says: notHere('automatic device configurations: change twins by a job') },
  { path: '/devices/{}/applyConfigurationContent', says: notHere('IoT Edge deployments') },
  { path: '/digitaltwins', says: notHere('digital twins API: read and write the twin at /twins/{deviceId}') },
  { path: '/devices/{}/modules', says: notHere('modules') },
  { path: '/twins/{}/modules', says: notHere('modules') },
  { path: '/devices/{}/messages/deviceBound', says: noMessages },
  { path: '/devices/{}/commands', says: noMessages },
  {
    path: '/messages',
    says: notHere(
      'cloud-to-device messages, and no endpoint to read telemetry from: GraphQL has the subscription telemetry',
    ),
  },
  { path: '/devices/{}/messages', says: 'Devices speak MQTT to this hub, not HTTP: docs/mqtt.md says how.' },
  { path: '/devices/{}/files', says: notHere('file upload') },
  { path: '/jobs/v2/{}/methods', says: howToJob },
  { path: '/jobs/v2/{}/twin', says: howToJob },
]

/** The first segments of paths that this hub answers although it has nothing below them. */
export const absentRoots: readonly string[] = ['/configurations', '/digitaltwins', '/messages']

/** The message for a path without a route. */
export function absence(segments: readonly string[]): string {
  const found = absent.find(({ path }) =>
    path
      .slice(1)
      .split('/')
      .every((part, index) =>
        part === '{}' ? segments[index] !== undefined : part.toLowerCase() === segments[index]?.toLowerCase(),
      ),
  )
  return `${found?.says ?? 'There is nothing at this path.'} docs/rest.md lists the paths that there are.`
}
