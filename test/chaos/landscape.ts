import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClosers } from '../../bench/closers.ts'
import { type HubProcess, startHubProcess } from '../support/hub-process.ts'
import type { NatsServer } from '../support/nats-server.ts'
import { freePorts } from '../support/ports.ts'
import { openDatabaseProxy, openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { type Balancing, startBalancing } from './balancing.ts'
import { startNatsServers } from './nats-cluster.ts'
import { apis, type Disturbance, gateways, type MemberName, memberNames } from './plan.ts'

type Partition = Extract<Disturbance, { readonly kind: 'partition' }>

/** An instance of the hub in a process of its own. Its ways to the database, to NATS and to its devices can be cut. */
export type Member = {
  readonly name: MemberName
  /** The instance, until it has ended. */
  hub(): HubProcess
  /** Starts it, or starts it again at the same ports. */
  start(): Promise<void>
  kill(): Promise<void>
  /** Ends it as an operator would. An Error when it ends with another code than 0. */
  stop(): Promise<void>
  /** Devices that are connected to it are cut off, and neither side is notified. Those to come are not. */
  halfOpen(): void
  partition(partition: Pick<Partition, 'from' | 'how'>): Promise<void>
  /** Ends partitions and half-open connections. */
  heal(): Promise<void>
}

/** The hub of a chaos run: its instances, a balancer before them, and NATS if it uses it. */
export type Landscape = {
  readonly balancing: Balancing
  readonly nats: readonly NatsServer[]
  member(name: MemberName): Member
  /** Instances that ended by themselves, a sentence each. */
  readonly failures: readonly string[]
  /** Writes what the instances logged, a file each; the folder of the files. */
  writeLogs(): Promise<string>
  close(): Promise<void>
}

/** Starts them on an empty database. All instances have the variables. */
export async function startLandscape({
  databaseUrl,
  natsServers,
  variables,
  signal,
}: {
  readonly databaseUrl: string
  readonly natsServers: number
  readonly variables: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}): Promise<Landscape> {
  const closers = createClosers()
  const failures: string[] = []
  const logs = new Map<string, readonly string[]>()
  try {
    const folder = await mkdtemp(join(tmpdir(), 'twincast-chaos-'))
    closers.add(() => rm(folder, { recursive: true, force: true }))
    const nats = natsServers === 0 ? [] : await startNatsServers(natsServers)
    for (const server of nats) closers.add(() => server.close())

    const openMember = async (
      name: MemberName,
    ): Promise<Member & { readonly behind: { port: number; httpPort: number } }> => {
      const [role = ''] = name.split(' ')
      const [httpPort = 0, mqttPort = 0] = await freePorts(2)
      const openProxy = async (target: { readonly host: string; readonly port: number }): Promise<TcpProxy> => {
        const proxy = await openTcpProxy(target)
        closers.add(() => proxy.close())
        return proxy
      }
      const database = await openDatabaseProxy(databaseUrl)
      closers.add(() => database.close())
      const buses = await Promise.all(nats.map(({ port }) => openProxy({ host: '127.0.0.1', port })))
      const devices = await openProxy({ host: '127.0.0.1', port: mqttPort })
      const settings = {
        ...variables,
        DATABASE_URL: database.url,
        DATA_DIR: join(folder, name.replace(' ', '-')),
        HUB_ROLES: role,
        HTTP_PORT: String(httpPort),
        HTTPS_PORT: 'off',
        MQTT_PORT: String(mqttPort),
        MQTTS_PORT: 'off',
        ...(buses.length > 0 && { BUS_URL: `nats://${buses.map(({ port }) => `127.0.0.1:${port}`).join(',')}` }),
      }
      await mkdir(settings.DATA_DIR)
      let process: HubProcess | undefined
      let isEnding = false
      const hub = (): HubProcess => {
        if (process === undefined) throw new Error(`${name} does not run.`)
        return process
      }
      closers.add(async () => {
        isEnding = true
        process?.thaw()
        await process?.kill()
      })
      return {
        name,
        behind: { port: role === 'gateway' ? devices.port : httpPort, httpPort },
        hub,
        async start() {
          signal.throwIfAborted()
          isEnding = false
          const started = await startHubProcess(settings, { signal })
          process = started
          logs.set(`${name.replace(' ', '-')}-${logs.size}`, started.lines)
          void started.ended.then((code) => {
            if (!isEnding && process === started) failures.push(`${name} ended by itself, with code ${code}`)
          })
        },
        async kill() {
          isEnding = true
          await hub().kill()
        },
        async stop() {
          isEnding = true
          const code = await hub().stop()
          if (code !== 0) failures.push(`${name} ended with code ${code} when it was stopped`)
        },
        halfOpen: () => devices.breakOpen('drop'),
        async partition({ from, how }) {
          if (from !== 'bus') await database.become(how)
          if (from === 'database') return
          for (const bus of buses) await bus.become(how)
          // Without NATS the bus is one connection to the database, which asks for the others every five seconds.
          if (buses.length === 0 && from === 'bus')
            database.breakNext(how === 'stall' ? 'stall' : 'drop', 'pg_stat_activity')
        },
        async heal() {
          for (const proxy of [database, ...buses, devices]) await proxy.become('forward')
        },
      }
    }
    const members = new Map<MemberName, Awaited<ReturnType<typeof openMember>>>()
    for (const name of memberNames) members.set(name, await openMember(name))
    const member = (name: MemberName) => {
      const found = members.get(name)
      if (found === undefined) throw new RangeError(`There is no ${name}.`)
      return found
    }
    // The first migrates.
    await member('worker').start()
    await Promise.all(memberNames.filter((name) => name !== 'worker').map((name) => member(name).start()))
    const balancing = await startBalancing(
      gateways.map((name) => member(name).behind),
      apis.map((name) => member(name).behind),
    )
    closers.add(() => balancing.close())
    return {
      balancing,
      nats,
      member,
      failures,
      async writeLogs() {
        const target = await mkdtemp(join(tmpdir(), 'twincast-chaos-logs-'))
        for (const [name, lines] of logs) await writeFile(join(target, `${name}.log`), `${lines.join('\n')}\n`)
        return target
      },
      close: closers.close,
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}
