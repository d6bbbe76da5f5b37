import { type Parameter, type ParameterName, parameters } from './parameters.ts'
import { answerText, type Route } from './route.ts'
import { schemas } from './schemas.ts'

const contentOf = (schema: string): object => ({
  'application/json': { schema: { $ref: `#/components/schemas/${schema}` } },
})

const parameterOf = (name: ParameterName): object => ({ $ref: `#/components/parameters/${name}` })

/** The id in a path, which belongs to that path alone. */
function idParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

const isPaged = ({ parameters = [] }: Route): boolean => parameters.includes('x-ms-continuation')

const pageHeaders = {
  'x-ms-item-type': { description: 'What the rows are.', schema: { type: 'string' } },
  'x-ms-continuation': {
    description: 'Where this page ended. Absent when it is the last.',
    schema: { type: 'string' },
  },
}

function operationOf(route: Route): object {
  const isOpen = route.operation === undefined
  return {
    operationId: route.operationId,
    summary: route.summary,
    parameters: [
      ...idParameters(route.path),
      ...(isOpen ? [] : [parameterOf('api-version')]),
      ...(route.parameters ?? []).map(parameterOf),
    ],
    ...(route.body !== undefined && { requestBody: { required: true, content: contentOf(route.body.schema) } }),
    responses: {
      [route.answer.status]: {
        description: 'Done.',
        ...(isPaged(route) && { headers: pageHeaders }),
        ...(route.answer.schema !== undefined && { content: contentOf(route.answer.schema) }),
      },
      default: {
        description:
          'Refused or failed: `ErrorCode:Name;text` in Message, and the name in the header iothub-errorcode.' +
          (route.errorForm === 'structured' ? ' For what the call itself met, Message is a JSON text.' : ''),
        content: contentOf('Error'),
      },
    },
    ...(isOpen && { security: [] }),
  }
}

/** The OpenAPI document of these routes, generated from their table only. */
export function openApiDocument(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const operations = paths[route.path] ?? {}
    operations[route.method.toLowerCase()] = operationOf(route)
    paths[route.path] = operations
  }
  const named: [string, Parameter][] = Object.entries(parameters)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Twincast',
      version: '2021-04-12',
      description: 'What Twincast serves of the REST API of Azure IoT Hub.',
    },
    paths,
    components: {
      schemas,
      parameters: Object.fromEntries(named.map(([name, parameter]) => [name, { name, ...parameter }])),
      securitySchemes: {
        sharedAccessSignature: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: 'SharedAccessSignature sr=…&sig=…&se=…&skn=…, signed with a key of a shared access policy.',
        },
      },
    },
    security: [{ sharedAccessSignature: [] }],
  }
}

/** The route of the document. It names no hub and no device, so it needs no token. */
export function openApiRoute(routes: readonly Route[]): Route {
  const route: Route = {
    method: 'GET',
    path: '/openapi.json',
    operationId: 'getOpenApiDocument',
    summary: 'This document.',
    answer: { status: 200 },
    handle: async () => answerText(document),
  }
  // Printed once: it needs no token, and may be requested repeatedly.
  const document = JSON.stringify(openApiDocument([...routes, route]))
  return route
}
