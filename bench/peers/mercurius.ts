// The program of P13's Mercurius, which compiles operations with graphql-jit when they are sent a second time.
import { fastify } from 'fastify'
import { mercurius } from 'mercurius'
import { dateTime } from './date-time.ts'
import { resolvers, typeDefs } from './resolvers.ts'

const app = fastify()
await app.register(mercurius, { schema: typeDefs, resolvers: { ...resolvers, DateTime: dateTime }, jit: 1 })
const address = await app.listen({ host: '127.0.0.1', port: 0 })
process.send?.(Number(new URL(address).port))
process.on('disconnect', () => process.exit(0))
