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
  'x-ms-item-type': { description: 'The type of the rows.', schema: { type: 'string' } },
  'x-ms-continuation': {
    description: 'The continuation token for the next page. Absent on the last page.',
    schema: { type: 'string' },
  },
}

function operationOf(route: Route): object {
  const isOpen = route.right === undefined
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
          'An error. Message is `ErrorCode:Name;text`, and the header iothub-errorcode has the name.' +
          (route.errorForm === 'structured' ? ' For an error of the call itself, Message is JSON text.' : ''),
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
      description: 'The part of the REST API of Azure IoT Hub that Twincast implements.',
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
    summary: 'This OpenAPI document.',
    answer: { status: 200 },
    handle: async () => answerText(document),
  }
  // Printed once: it needs no token, and may be requested repeatedly.
  const document = JSON.stringify(openApiDocument([...routes, route]))
  return route
}
