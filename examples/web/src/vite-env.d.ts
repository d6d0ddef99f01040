declare module '*.npy?url' {
  const url: string;
  export default url;
}
