/**
 * The host name of the hub, for which devices sign. The hub writes it into the page; without it, as in development of
 * the console, it is the host that served the page.
 */
export function hubNameOf(written: string | undefined, host: string): string {
  return written === undefined || /[{}]|^$/.test(written) ? host : written
}

/** The port at which devices connect. The hub writes it into the page; without it, it is the one of MQTT over TLS. */
export function mqttsPortOf(written: string | undefined): number {
  return written !== undefined && /^\d+$/.test(written) ? Number(written) : usualPort
}

const usualPort = 8883

/**
 * The connection string of a device, in IoT Hub's form. SDKs read a port other than the usual one only from the name of
 * a gateway.
 */
export function connectionStringOf(
  { hubName, mqttsPort }: { readonly hubName: string; readonly mqttsPort: number },
  deviceId: string,
  key: string,
): string {
  const gateway = mqttsPort === usualPort ? '' : `;GatewayHostName=${hubName}:${mqttsPort}`
  return `HostName=${hubName};DeviceId=${deviceId};SharedAccessKey=${key}${gateway}`
}
