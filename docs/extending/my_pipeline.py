"""Least-squares GANs in a pipeline of scikit-learn and imbalanced-learn, two targets to choose from."""

from imblearn.pipeline import make_pipeline
from my_gan import LSGAN
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.svm import LinearSVC

from emogan import GANSampler

sampler = GANSampler(gan=LSGAN, n_aug=30, random_state=0, iterations=50)  # so few for the sake of the example alone
steps = make_pipeline(sampler, LinearSVC(C=0.1))
search = GridSearchCV(steps, {"gansampler__settings": [{"target": 1.0}, {"target": 0.9}]}, cv=3)
search.fit(*load_iris(return_X_y=True))
search.best_estimator_["gansampler"].save("flowers.safetensors")
print(f"accuracy {search.best_score_:.2f} with {search.best_params_['gansampler__settings']}")
