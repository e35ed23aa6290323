// Generated from crds/*.yaml by scripts/generate-crd-types.ts: change those, then run it.

/**
 * One thing that is or is not so with an object.
 */
export interface Condition {
  /**
   * What the condition is about.
   */
  type: string;
  /**
   * Whether it holds; Unknown while undecided.
   */
  status: 'True' | 'False' | 'Unknown';
  /**
   * Why, as one word of the documented list.
   */
  reason: string;
  /**
   * Why, for a person.
   */
  message: string;
  /**
   * When the status last changed.
   */
  lastTransitionTime: string;
  /**
   * The metadata.generation that this was decided for.
   */
  observedGeneration?: number;
}

/**
 * What is approved. Cannot change, because the approver signed it.
 */
export interface ApprovalSpec {
  /**
   * The object that the approval is for, in the same namespace.
   */
  targetRef: {
    /**
     * SigningRequest for a request, SigningPolicy for a change of policy, Wallet for its genesis.
     */
    kind: 'SigningRequest' | 'SigningPolicy' | 'Wallet';
    /**
     * Name of the object.
     */
    name: string;
  };
  /**
   * Digest of the statement that is approved or rejected.
   */
  digest: string;
  /**
   * Digest of the policy statement under which the approval counts.
   */
  policyDigest: string;
  /**
   * Name of the approver in the policy.
   */
  approver: string;
  /**
   * What the approver says.
   */
  verdict: 'Approve' | 'Reject';
  /**
   * Until when the approval counts, in UTC and whole seconds.
   */
  expiresAt: string;
  /**
   * Armored SSH signature of the approval statement in namespace approval@holdfast.dev.
   */
  signature: string;
}

/**
 * What became of the approval.
 */
export interface ApprovalStatus {
  /**
   * Recorded means that every available holder has the approval.
   *
   * @maxItems 16
   */
  conditions?: Condition[];
  /**
   * The metadata.generation that the status is about.
   */
  observedGeneration?: number;
}

/**
 * What the signer should be.
 */
export interface SignerSpec {
  /**
   * The wallet and the holder whose share this signer keeps. Cannot change.
   */
  walletRef: {
    /**
     * Namespace of the Wallet.
     */
    namespace: string;
    /**
     * Name of the Wallet.
     */
    name: string;
    /**
     * Name of the holder in the Wallet.
     */
    holder: string;
  };
  /**
   * What protects the share at rest.
   */
  seal?: {
    /**
     * A Secret with 32 random bytes, as holdfast seal new makes it.
     */
    keySecretRef?: {
      /**
       * Name of the Secret, in the signer's namespace.
       */
      name: string;
      /**
       * Key within the Secret.
       */
      key: string;
    };
    /**
     * An HSM behind a PKCS#11 sidecar.
     */
    pkcs11?: {
      /**
       * Image by digest with the PKCS#11 sidecar and the module.
       */
      image: string;
      /**
       * Path of the PKCS#11 module in the image, like /usr/lib/softhsm/libsofthsm2.so.
       */
      module: string;
      /**
       * Label of the token.
       */
      tokenLabel: string;
      /**
       * The Secret with the token's PIN.
       */
      pinSecretRef: {
        /**
         * Name of the Secret, in the signer's namespace.
         */
        name: string;
        /**
         * Key within the Secret.
         */
        key: string;
      };
      /**
       * Volume for a token that keeps its objects in files, as SoftHSM does.
       */
      storage?: {
        /**
         * Size of the volume as a Kubernetes quantity, like 2Gi.
         */
        size?: string;
        /**
         * StorageClass of the volume; the cluster's default when absent.
         */
        storageClassName?: string;
      };
      /**
       * Where the sidecar may connect to, for an HSM on the network. Nowhere when absent.
       *
       * @maxItems 16
       */
      egress?: {
        /**
         * Address range of the HSM.
         */
        cidr: string;
        /**
         * TCP port of the HSM.
         */
        port: number;
      }[];
    };
  };
  /**
   * A signer that its owner runs outside of the cluster; the wallet's other signers dial it.
   */
  external?: {
    /**
     * Host and port of the signer's peer port, like signer.acme.example:7443.
     */
    endpoint: string;
    /**
     * Host and port of the signer's sign port, which the operator and services dial. Port 8443 of the endpoint's host when absent.
     */
    signEndpoint?: string;
    /**
     * SHA-256 of the signer's public key (SubjectPublicKeyInfo), as its owner read it out.
     */
    fingerprint: string;
    /**
     * Address ranges of the endpoint, to which signers in the cluster may connect.
     *
     * @maxItems 16
     */
    cidrs?: string[];
  };
  /**
   * Image of the signer by digest. The installed version's when the Signer is created, then changed only here or by an upgrade.
   */
  image?: string;
  /**
   * The signer's volume.
   */
  storage?: {
    /**
     * Size of the volume as a Kubernetes quantity, like 2Gi.
     */
    size?: string;
    /**
     * StorageClass of the volume; the cluster's default when absent.
     */
    storageClassName?: string;
  };
  /**
   * CPU and memory of the signer's container, as in a pod.
   */
  resources?: {
    /**
     * What the container is given.
     */
    requests?: {
      [k: string]: number | string;
    };
    /**
     * What the container may not exceed.
     */
    limits?: {
      [k: string]: number | string;
    };
  };
  /**
   * Labels that a machine must have.
   */
  nodeSelector?: {
    [k: string]: string;
  };
  /**
   * Taints that the pod tolerates, as in a pod.
   *
   * @maxItems 32
   */
  tolerations?: {
    /**
     * Key of the taint; every key when absent.
     */
    key?: string;
    /**
     * How the value is compared.
     */
    operator?: 'Exists' | 'Equal';
    /**
     * Value of the taint.
     */
    value?: string;
    /**
     * Effect of the taint; every effect when absent.
     */
    effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
    /**
     * How long a NoExecute taint is tolerated; for ever when absent.
     */
    tolerationSeconds?: number;
  }[];
  /**
   * Affinity of the pod, as in a pod, where it is checked.
   */
  affinity?: {
    [k: string]: unknown;
  };
  /**
   * PriorityClass of the pod.
   */
  priorityClassName?: string;
  /**
   * Whether this signer should (Preferred, also when absent) or must (Required) run on another machine than the wallet's other signers.
   */
  placement?: 'Preferred' | 'Required';
}

/**
 * What the signer is, as the operator saw it.
 */
export interface SignerStatus {
  /**
   * Ready means that the signer answers and serves.
   *
   * @maxItems 16
   */
  conditions?: Condition[];
  /**
   * The metadata.generation that the status is about.
   */
  observedGeneration?: number;
  /**
   * SHA-256 of the signer's public key (SubjectPublicKeyInfo).
   */
  fingerprint?: string;
  /**
   * Version of the signer.
   */
  version?: string;
  /**
   * Generation of the shares under the same keys.
   */
  epoch?: string;
  /**
   * Digest of the policy statement that the signer enforces.
   */
  policyDigest?: string;
}

/**
 * The policy. What no rule allows is denied.
 */
export interface SigningPolicySpec {
  /**
   * Assets that rules name. An effect on an asset that is not listed matches no rule that names assets.
   *
   * @maxItems 64
   */
  assets?: {
    /**
     * Name that rules use, like USDC.
     */
    name: string;
    /**
     * CAIP-19 identifier, like eip155:1/slip44:60.
     */
    id: string;
    /**
     * How many decimals of an amount are one base unit, like 6 for USDC.
     */
    decimals: number;
    /**
     * Value of one unit in USD, for rules that judge by it. Without it such rules cannot decide, so they deny.
     */
    price?: {
      /**
       * A price written down here.
       */
      fixed: string;
    };
  }[];
  /**
   * Destinations that rules name. On a Solana cluster, accounts times tokens in assets are at most 512.
   *
   * @maxItems 256
   */
  addressBook?: {
    /**
     * Name that rules use.
     */
    name: string;
    /**
     * CAIP-10 accounts, like eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb.
     *
     * @minItems 1
     * @maxItems 256
     */
    addresses: string[];
  }[];
  /**
   * Solana address lookup tables whose contents are believed, because a request's own claim about them never is.
   *
   * @maxItems 32
   */
  lookupTables?: {
    /**
     * CAIP-10 account of the table.
     */
    address: string;
    /**
     * Accounts of the table in its order, in base58.
     *
     * @minItems 1
     * @maxItems 256
     */
    accounts: string[];
  }[];
  /**
   * Who may ask for signatures. Each request carries the signature of one of them.
   *
   * @minItems 1
   * @maxItems 64
   */
  initiators: {
    /**
     * Name of the initiator.
     */
    name: string;
    /**
     * SSH public key as in an authorized_keys file, Ed25519 or ECDSA P-256.
     */
    key: string;
  }[];
  /**
   * Who may approve.
   *
   * @maxItems 128
   */
  approvers?: {
    /**
     * Name of the approver.
     */
    name: string;
    /**
     * SSH public key as in an authorized_keys file, Ed25519 or ECDSA P-256, also of a FIDO authenticator.
     */
    key?: string;
    /**
     * Several keys of one person, who stays one approver.
     *
     * @minItems 1
     * @maxItems 8
     */
    keys?: string[];
    /**
     * Whether a FIDO authenticator must have checked its user by PIN or fingerprint. NotRequired when absent.
     */
    userVerification?: 'Required' | 'NotRequired';
  }[];
  /**
   * Groups of approvers that rules name.
   *
   * @maxItems 32
   */
  groups?: {
    /**
     * Name of the group.
     */
    name: string;
    /**
     * Names of approvers.
     *
     * @minItems 1
     * @maxItems 128
     */
    members: string[];
  }[];
  /**
   * The most that a transaction may cost in fees, by chain. A transaction on a chain without an entry is denied.
   *
   * @maxItems 32
   */
  fees?: {
    /**
     * CAIP-2 identifier, like eip155:1.
     */
    chain: string;
    /**
     * Amount of the chain's own asset, like 0.02.
     */
    atMost: string;
  }[];
  /**
   * For each effect of a request, any matching Deny denies; else the first matching Allow says what is required; else it is denied.
   *
   * @minItems 1
   * @maxItems 64
   */
  rules: {
    /**
     * Name of the rule, which decisions and metrics show.
     */
    name: string;
    /**
     * What the rule says of an effect that it matches.
     */
    verdict: 'Allow' | 'Deny';
    /**
     * Which effects the rule is about. All that is set must hold; an empty match of an Allow is about every transfer, of a Deny about everything.
     */
    match: {
      /**
       * CAIP-2 identifiers of chains.
       *
       * @minItems 1
       * @maxItems 32
       */
      chains?: string[];
      /**
       * BIP-32 paths of children of ECDSA keys, like m/0/5. A star stands for any one number, so that m/0/* is every child of m/0 and none of theirs; m is a key itself. A rule without paths is about any.
       *
       * @minItems 1
       * @maxItems 32
       */
      paths?: string[];
      /**
       * Names of assets.
       *
       * @minItems 1
       * @maxItems 64
       */
      assets?: string[];
      /**
       * Names in the address book.
       *
       * @minItems 1
       * @maxItems 256
       */
      destinations?: string[];
      /**
       * Kinds of effects. An Allow without kinds is about transfers alone, so that what is not understood or hands control away must be named. A Deny without kinds is about everything; what is not understood may move any asset to any destination, so that such a Deny by asset, destination or amount denies every Call, Deploy, TypedData, Digest, Authority and DurableNonce that could. Name the kinds in the Deny where that is not meant.
       *
       * @minItems 1
       * @maxItems 16
       */
      kinds?: (
        'Transfer' | 'Approve' | 'Call' | 'Deploy' | 'Message' | 'TypedData' | 'Digest' | 'Authority' | 'DurableNonce'
      )[];
      /**
       * Sum of the asset over the request and, with per, over a window before it.
       */
      amount?: {
        /**
         * The sum is more than this amount of the asset.
         */
        over?: string;
        /**
         * The sum is at most this amount of the asset.
         */
        atMost?: string;
        /**
         * Length of the window, like 24h; the request alone when absent.
         */
        per?: string;
      };
      /**
       * Sum in USD over all effects of the request and, with per, over a window before it.
       */
      usd?: {
        /**
         * The sum is more than this.
         */
        over?: string;
        /**
         * The sum is at most this.
         */
        atMost?: string;
        /**
         * Length of the window, like 24h; the request alone when absent.
         */
        per?: string;
      };
    };
    /**
     * Approvals needed, each by so many members of a group. The initiator's own does not count.
     *
     * @minItems 1
     * @maxItems 8
     */
    approvals?: {
      /**
       * Name of the group.
       */
      group: string;
      /**
       * How many of its members must approve.
       */
      atLeast: number;
    }[];
    /**
     * How long to wait after enough approvals are there, like 24h. No wait when absent.
     */
    timeLock?: string;
    /**
     * What the rule allows within a window, over all effects that its match is about, whichever rule allowed them.
     *
     * @minItems 1
     * @maxItems 8
     */
    limits?: {
      /**
       * The most of the rule's asset.
       */
      amount?: string;
      /**
       * The most requests.
       */
      count?: number;
      /**
       * Whether the whole wallet has this limit, or each path by itself. A path that an initiator may choose freely has a limit of its own each time, so let one of the wallet stand beside it. Wallet when absent.
       */
      scope?: 'Wallet' | 'Path';
      /**
       * Length of the window, like 24h.
       */
      per: string;
    }[];
  }[];
  /**
   * What a change of this policy takes. When absent, this policy can never change.
   */
  change?: {
    /**
     * Approvals needed, each by so many members of a group. The initiator's own does not count.
     *
     * @minItems 1
     * @maxItems 8
     */
    approvals: {
      /**
       * Name of the group.
       */
      group: string;
      /**
       * How many of its members must approve.
       */
      atLeast: number;
    }[];
    /**
     * How long to wait after enough approvals are there, like 24h. No wait when absent.
     */
    timeLock?: string;
  };
  /**
   * What replacing a lost holder or moving funds to safety takes. When absent, there is no recovery.
   */
  recovery?: {
    /**
     * Approvals needed, each by so many members of a group. The initiator's own does not count.
     *
     * @minItems 1
     * @maxItems 8
     */
    approvals: {
      /**
       * Name of the group.
       */
      group: string;
      /**
       * How many of its members must approve.
       */
      atLeast: number;
    }[];
    /**
     * How long to wait after enough approvals are there, like 24h. No wait when absent.
     */
    timeLock?: string;
    /**
     * Names in the address book to which funds may be moved.
     *
     * @minItems 1
     * @maxItems 32
     */
    destinations?: string[];
  };
}

/**
 * What the signers make of the policy.
 */
export interface SigningPolicyStatus {
  /**
   * Valid means that the policy can be enforced as written. Enforced means that every holder acknowledged it.
   *
   * @maxItems 16
   */
  conditions?: Condition[];
  /**
   * The metadata.generation that the status is about.
   */
  observedGeneration?: number;
  /**
   * Digest of the policy document that is enforced.
   */
  digest?: string;
  /**
   * A change that was proposed and is not enforced yet.
   */
  pending?: {
    /**
     * Digest of the proposed policy statement, which approvers sign.
     */
    digest: string;
    /**
     * Approvals there are of those needed, like 1/3.
     */
    approvals?: string;
    /**
     * When the time lock ends, once there are enough approvals.
     */
    lockedUntil?: string;
  };
}

/**
 * What to sign. Cannot change, because the initiator signed it.
 */
export interface SigningRequestSpec {
  /**
   * With the initiator it makes two requests the same one. The object's namespace/name when absent.
   */
  id?: string;
  /**
   * The wallet, in the request's namespace.
   */
  walletRef: {
    /**
     * Name of the Wallet.
     */
    name: string;
  };
  /**
   * Name of the wallet's key that is to sign.
   */
  key: string;
  /**
   * BIP-32 path of non-hardened children, like m/0/5; the key itself when absent.
   */
  path?: string;
  /**
   * The bytes that signers decode and judge.
   */
  payload: {
    /**
     * CAIP-2 identifier of the chain, like eip155:1. Absent for Message and Digest, which belong to no chain.
     */
    chain?: string;
    /**
     * How the data is encoded.
     */
    format: 'Transaction' | 'PSBT' | 'Message' | 'TypedData' | 'Digest';
    /**
     * The bytes, as 0x and lowercase hex.
     */
    data: string;
  };
  /**
   * Who asks.
   */
  initiator: {
    /**
     * Name of the initiator in the policy.
     */
    name: string;
    /**
     * Armored SSH signature of the request statement in namespace request@holdfast.dev.
     */
    signature: string;
  };
  /**
   * Until when the request may be signed, in UTC and whole seconds, at most 30 days ahead.
   */
  expiresAt: string;
  /**
   * How long the object stays once it is finished; for ever when absent. Signers remember the id all the same.
   */
  ttlSecondsAfterFinished?: number;
}

/**
 * What became of the request.
 */
export interface SigningRequestStatus {
  /**
   * Approved, Finished, Succeeded. Finished is False while the request waits.
   *
   * @maxItems 16
   */
  conditions?: Condition[];
  /**
   * The metadata.generation that the status is about.
   */
  observedGeneration?: number;
  /**
   * Digest of the request statement.
   */
  digest?: string;
  /**
   * What the payload would do, as signers decoded it.
   *
   * @maxItems 64
   */
  effects?: {
    /**
     * Kind of the effect.
     */
    kind:
      'Transfer' | 'Approve' | 'Call' | 'Deploy' | 'Message' | 'TypedData' | 'Digest' | 'Authority' | 'DurableNonce';
    /**
     * CAIP-2 identifier of the chain.
     */
    chain?: string;
    /**
     * CAIP-19 identifier of the asset.
     */
    asset?: string;
    /**
     * Amount in base units.
     */
    amount?: string;
    /**
     * CAIP-10 account.
     */
    destination?: string;
    /**
     * The effect in one line for a person.
     */
    text: string;
  }[];
  /**
   * What the policy said.
   */
  decision?: {
    /**
     * Name of the rule that decided, or several joined by a comma.
     */
    rule?: string;
    /**
     * Digest of the policy statement that decided.
     */
    policyDigest?: string;
    /**
     * Names of the approvers whose approvals counted.
     *
     * @maxItems 128
     */
    approvals?: string[];
  };
  /**
   * One signature an input, in hex.
   *
   * @maxItems 64
   */
  signatures?: {
    /**
     * The bytes that a single-party verifier takes, in hex.
     */
    message: string;
    /**
     * The signature, 64 bytes, for ECDSA r, s and the recovery id in 65.
     */
    signature: string;
  }[];
  /**
   * The finished transaction in hex, where the format has one.
   */
  signedTransaction?: string;
  /**
   * Identifier of the finished transaction on its chain.
   */
  transactionId?: string;
  /**
   * Holders that took part.
   *
   * @maxItems 9
   */
  participants?: string[];
  /**
   * Milliseconds by step, and total.
   */
  durations?: {
    [k: string]: number;
  };
}

/**
 * What the wallet should be.
 */
export interface WalletSpec {
  /**
   * How many holders take part in each signature. Cannot change.
   */
  threshold: number;
  /**
   * Who keeps a share of every key, in an order that gives each holder its number. Cannot change.
   *
   * @minItems 2
   * @maxItems 9
   */
  holders: {
    /**
     * Name of the holder within the wallet.
     */
    name: string;
    /**
     * Infrastructure takes part in every signature. Client takes part where the quorum needs it. Backup takes part only in recovery.
     */
    role: 'Infrastructure' | 'Client' | 'Backup';
    /**
     * Where the holder's Signer lives; the wallet's namespace when absent.
     */
    namespace?: string;
  }[];
  /**
   * Keys of the wallet. One that is added is generated by the holders together. None can be removed, nor its scheme change.
   *
   * @minItems 1
   * @maxItems 16
   */
  keys: {
    /**
     * Name of the key within the wallet.
     */
    name: string;
    /**
     * EdDSA is Ed25519 by FROST (RFC 9591). Schnorr is BIP-340 by FROST, for the taproot key path. ECDSA is secp256k1 by DKLs23.
     */
    scheme: 'EdDSA' | 'Schnorr' | 'ECDSA';
  }[];
  /**
   * The SigningPolicy, in the wallet's namespace, that signers pin at genesis.
   */
  policyRef: {
    /**
     * Name of the SigningPolicy.
     */
    name: string;
  };
  /**
   * What the operator puts into the Signers that it writes for holders in the wallet's namespace. Holders elsewhere write their own.
   */
  signers?: {
    /**
     * What protects the share at rest.
     */
    seal: {
      /**
       * A Secret with 32 random bytes, as holdfast seal new makes it.
       */
      keySecretRef?: {
        /**
         * Name of the Secret, in the signer's namespace.
         */
        name: string;
        /**
         * Key within the Secret.
         */
        key: string;
      };
      /**
       * An HSM behind a PKCS#11 sidecar.
       */
      pkcs11?: {
        /**
         * Image by digest with the PKCS#11 sidecar and the module.
         */
        image: string;
        /**
         * Path of the PKCS#11 module in the image, like /usr/lib/softhsm/libsofthsm2.so.
         */
        module: string;
        /**
         * Label of the token.
         */
        tokenLabel: string;
        /**
         * The Secret with the token's PIN.
         */
        pinSecretRef: {
          /**
           * Name of the Secret, in the signer's namespace.
           */
          name: string;
          /**
           * Key within the Secret.
           */
          key: string;
        };
        /**
         * Volume for a token that keeps its objects in files, as SoftHSM does.
         */
        storage?: {
          /**
           * Size of the volume as a Kubernetes quantity, like 2Gi.
           */
          size?: string;
          /**
           * StorageClass of the volume; the cluster's default when absent.
           */
          storageClassName?: string;
        };
        /**
         * Where the sidecar may connect to, for an HSM on the network. Nowhere when absent.
         *
         * @maxItems 16
         */
        egress?: {
          /**
           * Address range of the HSM.
           */
          cidr: string;
          /**
           * TCP port of the HSM.
           */
          port: number;
        }[];
      };
    };
    /**
     * The signer's volume.
     */
    storage?: {
      /**
       * Size of the volume as a Kubernetes quantity, like 2Gi.
       */
      size?: string;
      /**
       * StorageClass of the volume; the cluster's default when absent.
       */
      storageClassName?: string;
    };
    /**
     * Whether signers of one wallet should (Preferred, also when absent) or must (Required) run on different machines.
     */
    placement?: 'Preferred' | 'Required';
  };
  /**
   * Pods that may reach the sign port of the wallet's signers, besides the operator. None when absent.
   *
   * @maxItems 16
   */
  access?: {
    /**
     * Selects pods by label, as in a NetworkPolicy.
     */
    podSelector?: {
      /**
       * Labels and values that all must be there.
       */
      matchLabels?: {
        [k: string]: string;
      };
      /**
       * Conditions that all must hold.
       *
       * @maxItems 16
       */
      matchExpressions?: {
        /**
         * Key of the label.
         */
        key: string;
        /**
         * How the label is compared with the values.
         */
        operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        /**
         * Values for In and NotIn.
         *
         * @maxItems 32
         */
        values?: string[];
      }[];
    };
    /**
     * Selects namespaces by label, as in a NetworkPolicy.
     */
    namespaceSelector?: {
      /**
       * Labels and values that all must be there.
       */
      matchLabels?: {
        [k: string]: string;
      };
      /**
       * Conditions that all must hold.
       *
       * @maxItems 16
       */
      matchExpressions?: {
        /**
         * Key of the label.
         */
        key: string;
        /**
         * How the label is compared with the values.
         */
        operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        /**
         * Values for In and NotIn.
         *
         * @maxItems 32
         */
        values?: string[];
      }[];
    };
  }[];
  /**
   * How the wallet's founding is confirmed.
   */
  genesis?: {
    /**
     * None (also when absent) trusts the operator once, which condition GenesisConfirmed says. Approvers signs nothing before the policy's change quorum approved the genesis.
     */
    confirm: 'None' | 'Approvers';
  };
  /**
   * What becomes of the shares when the Wallet is deleted. Retain (also when absent) keeps them. Destroy asks the signers, who ask the policy.
   */
  deletionPolicy?: 'Retain' | 'Destroy';
}

/**
 * What the wallet is, as the operator saw it. Addresses are to be believed only through the certificate.
 */
export interface WalletStatus {
  /**
   * Ready, KeysGenerated, SignersAvailable, PolicyEnforced, GenesisConfirmed, Independent. Ready means that keys are generated and a quorum is available.
   *
   * @maxItems 16
   */
  conditions?: Condition[];
  /**
   * The metadata.generation that the status is about.
   */
  observedGeneration?: number;
  /**
   * Digest of the genesis statement, which is the wallet's id.
   */
  genesis?: string;
  /**
   * Keys generated of keys wanted, like 2/2.
   */
  keysReady?: string;
  /**
   * Signers available of holders, like 3/3.
   */
  signersAvailable?: string;
  /**
   * Keys that were generated.
   *
   * @maxItems 16
   */
  keys?: {
    /**
     * Name of the key.
     */
    name: string;
    /**
     * Scheme of the key.
     */
    scheme: 'EdDSA' | 'Schnorr' | 'ECDSA';
    /**
     * Public key in hex, 32 bytes for EdDSA and Schnorr (x-only), 33 for ECDSA.
     */
    publicKey: string;
    /**
     * Address by network, as solana, bitcoin, ethereum.
     */
    addresses: {
      [k: string]: string;
    };
    /**
     * The statement that all holders signed about this key, and their signatures.
     */
    certificate: {
      /**
       * Canonical JSON of the certificate statement, exactly as signed.
       */
      statement: string;
      /**
       * One signature of each holder.
       *
       * @maxItems 9
       */
      signatures: {
        /**
         * Name of the holder.
         */
        holder: string;
        /**
         * Armored SSH signature in namespace holder@holdfast.dev.
         */
        signature: string;
      }[];
    };
  }[];
  /**
   * What each holder's signer says of itself.
   *
   * @maxItems 9
   */
  holders?: {
    /**
     * Name of the holder.
     */
    name: string;
    /**
     * Whether the signer answers and serves.
     */
    available: boolean;
    /**
     * SHA-256 of the signer's public key (SubjectPublicKeyInfo).
     */
    fingerprint?: string;
    /**
     * Digest of the policy statement that the signer enforces.
     */
    policyDigest?: string;
    /**
     * Generation of the shares under the same keys.
     */
    epoch?: string;
    /**
     * Version of the signer.
     */
    version?: string;
    /**
     * Why the signer is not available, for a person.
     */
    message?: string;
  }[];
}
