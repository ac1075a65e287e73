import { S3Client, ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import http from 'node:http'
const s3=new S3Client({forcePathStyle:true,region:'ap-southeast-1'})
const B='bench'
for(let r=0;r<3;r++){const c0=process.cpuUsage();let t=Date.now();let n=0;let m={}; while(m){const a=await s3.send(new ListObjectVersionsCommand({Bucket:B,EncodingType:'url',...m}));n+=a.Versions.length;m=a.IsTruncated?{KeyMarker:decodeURIComponent(a.NextKeyMarker),VersionIdMarker:a.NextVersionIdMarker}:undefined}
const c=process.cpuUsage(c0);console.log('list',n/((Date.now()-t)/1000),'versions/s; client cpu ms/page',(c.user+c.system)/1000/(n/1000))}
