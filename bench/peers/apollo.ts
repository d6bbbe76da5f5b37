// The program of P13's Apollo Server.
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { dateTime } from './date-time.ts'
import { resolvers, typeDefs } from './resolvers.ts'

const server = new ApolloServer({ typeDefs, resolvers: { ...resolvers, DateTime: dateTime } })
const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: 0 } })
process.send?.(Number(new URL(url).port))
process.on('disconnect', () => process.exit(0))
