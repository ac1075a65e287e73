import { liveAsChild } from './child-life.ts'
import { NameService } from './dns.ts'
import { processFolder } from './home-programs.ts'

/** The program of a home's name server: `dns-process HOME PORT`. */
const [home = '', port] = process.argv.slice(2)

liveAsChild(processFolder(home, 'dns'), async () => {
  const service = await NameService.open({ port: Number(port) })
  return { port: service.port, close: () => service.close() }
})
