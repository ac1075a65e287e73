// What a region does that wants to reach servers of another one. Arguments: a file for what it is told, and the ports there.
import { writeFileSync } from 'node:fs'
import { waysOfGateway } from '../../dist/src/region/network/ways.js'

const [file, ...wanted] = process.argv.slice(2)
process.send({ kind: 'ready', port: 1 })
const ways = waysOfGateway()
const ports = await Promise.all(wanted.map((port) => ways.portTo('us-east-1', Number(port))))
writeFileSync(file, JSON.stringify(ports))
// The parent ends it.
process.on('message', () => undefined)
