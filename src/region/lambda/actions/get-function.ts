import type {
  FunctionConfiguration,
  GetFunctionRequest,
  GetFunctionResponse,
} from '../../protocol/models/lambda.ts'
import { functionShape } from '../function-shape.ts'
import type { Lambda } from '../lambda.ts'

/**
 * Unlike AWS: it tells no location from which the code could be downloaded.
 *
 * @throws LambdaFault `ResourceNotFoundException`
 */
export async function getFunction(
  lambda: Lambda,
  input: GetFunctionRequest,
): Promise<Omit<GetFunctionResponse, '$metadata'>> {
  const Configuration = await getFunctionConfiguration(lambda, input)
  return { Configuration, Code: { RepositoryType: 'S3' } }
}

/** @throws LambdaFault `ResourceNotFoundException` */
export async function getFunctionConfiguration(
  lambda: Lambda,
  { FunctionName, Qualifier }: GetFunctionRequest,
): Promise<FunctionConfiguration> {
  const fn = lambda.get(FunctionName, Qualifier)
  return functionShape(fn, lambda.arnOf(fn.name, Qualifier))
}
