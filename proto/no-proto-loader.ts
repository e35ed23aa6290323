/**
 * Stands for `@grpc/proto-loader` in bundles. Our services are generated ahead, so only grpc-js's channelz and admin
 * services would load .proto files at run time, and nothing here serves those.
 */
export const loadSync = (): never => {
  throw new Error('bundles hold no proto loader');
};

export const loadFileDescriptorSetFromObject = loadSync;
