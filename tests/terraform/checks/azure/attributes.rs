//! The security attributes that somebody might weaken in the portal.

/// One attribute, as Azure keeps it and as terraform names it.
pub(crate) struct Attribute {
    /// The resource's type in Azure.
    pub(crate) resource: &'static str,
    /// Where the attribute is in it (RFC 6901).
    pub(crate) pointer: &'static str,
    /// What it is weakened to, as JSON.
    pub(crate) weak: &'static str,
    /// Its address in terraform.
    pub(crate) address: &'static str,
    /// Its name there.
    pub(crate) name: &'static str,
}

/// 12 attributes of five services.
pub(crate) const ATTRIBUTES: [Attribute; 12] = [
    Attribute {
        resource: "Microsoft.ContainerService/managedClusters",
        pointer: "/properties/disableLocalAccounts",
        weak: "false",
        address: "module.platform.module.cluster.azurerm_kubernetes_cluster.this",
        name: "local_account_disabled",
    },
    Attribute {
        resource: "Microsoft.ContainerService/managedClusters",
        pointer: "/properties/aadProfile/enableAzureRBAC",
        weak: "false",
        address: "module.platform.module.cluster.azurerm_kubernetes_cluster.this",
        name: "azure_active_directory_role_based_access_control.0.azure_rbac_enabled",
    },
    Attribute {
        resource: "Microsoft.ContainerService/managedClusters",
        pointer: "/properties/apiServerAccessProfile/enablePrivateClusterPublicFQDN",
        weak: "true",
        address: "module.platform.module.cluster.azurerm_kubernetes_cluster.this",
        name: "private_cluster_public_fqdn_enabled",
    },
    Attribute {
        resource: "Microsoft.ContainerService/managedClusters",
        pointer: "/properties/addonProfiles/azurepolicy/enabled",
        weak: "false",
        address: "module.platform.module.cluster.azurerm_kubernetes_cluster.this",
        name: "azure_policy_enabled",
    },
    Attribute {
        resource: "Microsoft.Storage/storageAccounts",
        pointer: "/properties/allowSharedKeyAccess",
        weak: "true",
        address: "module.platform.module.storage.azurerm_storage_account.this",
        name: "shared_access_key_enabled",
    },
    Attribute {
        resource: "Microsoft.Storage/storageAccounts",
        pointer: "/properties/publicNetworkAccess",
        weak: r#""Enabled""#,
        address: "module.platform.module.storage.azurerm_storage_account.this",
        name: "public_network_access_enabled",
    },
    Attribute {
        resource: "Microsoft.Storage/storageAccounts",
        pointer: "/properties/minimumTlsVersion",
        weak: r#""TLS1_0""#,
        address: "module.platform.module.storage.azurerm_storage_account.this",
        name: "min_tls_version",
    },
    Attribute {
        resource: "Microsoft.KeyVault/vaults",
        pointer: "/properties/publicNetworkAccess",
        weak: r#""Enabled""#,
        address: "module.platform.module.keys.azurerm_key_vault.this",
        name: "public_network_access_enabled",
    },
    Attribute {
        resource: "Microsoft.KeyVault/vaults",
        pointer: "/properties/enableRbacAuthorization",
        weak: "false",
        address: "module.platform.module.keys.azurerm_key_vault.this",
        name: "rbac_authorization_enabled",
    },
    Attribute {
        resource: "Microsoft.Cache/redisEnterprise/databases",
        pointer: "/properties/clientProtocol",
        weak: r#""Plaintext""#,
        address: "module.platform.module.redis.azurerm_managed_redis.this",
        name: "default_database.0.client_protocol",
    },
    Attribute {
        resource: "Microsoft.Cache/redisEnterprise/databases",
        pointer: "/properties/accessKeysAuthentication",
        weak: r#""Enabled""#,
        address: "module.platform.module.redis.azurerm_managed_redis.this",
        name: "default_database.0.access_keys_authentication_enabled",
    },
    Attribute {
        resource: "Microsoft.ContainerRegistry/registries",
        pointer: "/properties/adminUserEnabled",
        weak: "true",
        address: "module.platform.module.registry.azurerm_container_registry.this",
        name: "admin_enabled",
    },
];
