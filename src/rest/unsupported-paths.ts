// Parts of IoT Hub that this hub does not have. Pure: values in, values out.

/** A path of IoT Hub, with everything below it, and the message for it. `{}` stands for one segment. */
type Absent = { readonly path: string; readonly says: string }

const notHere = (what: string, ...instead: string[]): string => [`This hub has no ${what}.`, ...instead].join(' ')
const noMessages = notHere('cloud-to-device messages', 'Call a method or write desired properties.')
const howToJob = 'PUT /jobs/v2/{jobId} schedules a job of either type. Its queryCondition selects the devices.'

const absent: readonly Absent[] = [
  { path: '/configurations', says: notHere('automatic device configurations', 'Update twins with a job.') },
  { path: '/devices/{}/applyConfigurationContent', says: notHere('IoT Edge deployments') },
  { path: '/digitaltwins', says: notHere('digital twins API', 'Read and write the twin at /twins/{deviceId}.') },
  { path: '/devices/{}/modules', says: notHere('modules') },
  { path: '/twins/{}/modules', says: notHere('modules') },
  { path: '/devices/{}/messages/deviceBound', says: noMessages },
  { path: '/devices/{}/commands', says: noMessages },
  {
    path: '/messages',
    says: notHere(
      'cloud-to-device messages and no endpoint for reading telemetry',
      'To receive telemetry, use the GraphQL subscription telemetry.',
    ),
  },
  { path: '/devices/{}/messages', says: 'Devices connect by MQTT, not by HTTP: see docs/mqtt.md.' },
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
  return `${found?.says ?? 'This path does not exist.'} docs/rest.md lists all paths.`
}
