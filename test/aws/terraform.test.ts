import { describe } from 'vitest'
import { alarmsByTerraform } from './cloudwatch/by-terraform.ts'
import { ecsByTerraform } from './ecs/by-terraform.ts'
import { guideByTerraform } from './guide/by-terraform.ts'
import { route53ByTerraform } from './route53/by-terraform.ts'

// It waits more than it works, as half a minute for each record: side by side all take as long as the longest.
describe.concurrent('Terraform', () => {
  alarmsByTerraform()
  ecsByTerraform()
  guideByTerraform()
  route53ByTerraform()
})
