/**
 * The name the hub goes by: a token is made for it (`sr=`), and a device has to sign for it. Without a token, or with one
 * that does not say, it is the host this page came from.
 */
export function hubNameOf(token: string | undefined, host: string): string {
  const resource = new URLSearchParams(token?.replace(/^\S+\s+/, '') ?? '').get('sr') ?? ''
  const [name = ''] = resource.split('/')
  return name === '' ? host : name
}

/** What a device is given to connect with, in the form of IoT Hub. */
export function connectionStringOf(hubName: string, deviceId: string, key: string): string {
  return `HostName=${hubName};DeviceId=${deviceId};SharedAccessKey=${key}`
}
