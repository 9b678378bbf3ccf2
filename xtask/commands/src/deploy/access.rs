//! How somebody gets the credentials of a cluster that Terraform has made: each cloud's own client writes the kubeconfig.

use serde_json::Value;

use crate::terraform::Cloud;

/// The command that puts the cluster of these outputs into the kubeconfig, under this context.
pub(super) fn command(cloud: Cloud, outputs: &Value, context: &str) -> Option<String> {
    let (id, name) = (outputs["cluster"]["id"].as_str()?, outputs["cluster"]["name"].as_str()?);
    match cloud {
        Cloud::Azure => {
            let (subscription, group) = (after(id, '/', "subscriptions")?, after(id, '/', "resourceGroups")?);
            Some(format!(
                "az aks get-credentials --subscription {subscription} --resource-group {group} --name {name} --context {context}"
            ))
        }
        Cloud::Aws => {
            let region = after(id, ':', "eks")?;
            Some(format!("aws eks update-kubeconfig --region {region} --name {name} --alias {context}"))
        }
        Cloud::Gcp => {
            let (project, location) = (after(id, '/', "projects")?, after(id, '/', "locations")?);
            Some(format!(
                "gcloud container clusters get-credentials {name} --project {project} --location {location} && \
                 kubectl config rename-context gke_{project}_{location}_{name} {context}"
            ))
        }
    }
}

/// The part of an id that follows the one with this name, whatever its case.
fn after<'a>(id: &'a str, separator: char, name: &str) -> Option<&'a str> {
    let mut parts = id.split(separator);
    parts.find(|part| part.eq_ignore_ascii_case(name))?;
    parts.next()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_command_names_what_the_id_names() {
        let of = |cloud, id: &str| {
            command(cloud, &json!({ "cluster": { "id": id, "name": "maily" } }), "maily-prod").unwrap()
        };
        let azure =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/maily";
        assert_eq!(
            of(Cloud::Azure, azure),
            "az aks get-credentials --subscription s --resource-group g --name maily --context maily-prod"
        );
        assert_eq!(
            of(Cloud::Aws, "arn:aws:eks:eu-central-1:123456789012:cluster/maily"),
            "aws eks update-kubeconfig --region eu-central-1 --name maily --alias maily-prod"
        );
        assert_eq!(
            of(Cloud::Gcp, "projects/p/locations/europe-west3/clusters/maily"),
            "gcloud container clusters get-credentials maily --project p --location europe-west3 && \
             kubectl config rename-context gke_p_europe-west3_maily maily-prod"
        );
        assert_eq!(command(Cloud::Azure, &json!({}), "maily-prod"), None);
    }
}
