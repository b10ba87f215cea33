declare module 'u8-mqtt-packet/esm/codec_bind.js' {
  interface Stream {
    decode(bytes: Uint8Array): any[]
  }
  interface Context {
    encode_pkt(type: string, packet: Record<string, unknown>): Uint8Array<ArrayBuffer>
    mqtt_stream(): Stream
  }
  export default function mqtt_pkt_ctx(level: 5, options: unknown, api: object): Context
}
declare module 'u8-mqtt-packet/esm/codec_v5_client.js' {
  const options: unknown
  export default options
}
